"""All networks trained and judged alike: same patients, steps, augmentation and grid; writes docs/architectures.md.

    pip install --editable '.[train,openvino]'
    python benchmarks/architectures.py --data ../shared/data --runs runs/architectures --out runs/page

Run it again after a stop: what is trained, judged and weighed is not repeated, and a training that was stopped goes on.
On two cores run two at once, with `--part 0/2` and `--part 1/2`, and then once without. `--folds`, `--epochs`,
`--steps`, `--spacing` and `--slice-mm` make it smaller or larger than docs/architectures.md, whose size is the default;
each size wants its own `--runs`. More `--seeds` can be added later. What stands on an older page in --out under "Before
you compare" is written by hand, and kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import architecture_page
import architecture_runs as work
import torch

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.splits import choose
from LungUNetSegLib.config import parse_json
from LungUNetSegLib.environment import describe_environment
from LungUNetSegLib.files import write_json
from LungUNetSegLib.training.presets import DEMO_SAMPLE

ENGINES = ("onnxruntime", "openvino", "torch")
SIZES = ("spacing", "folds", "seeds", "epochs", "steps", "batch", "rate", "slice_mm")
FIELD_MM = (336, 432)
"""Height and width of what a slice shows, as in the preset `lungs`."""


def main() -> None:
    """Train, judge, weigh, and write what is there."""
    arguments = _arguments()
    torch.set_num_threads(1)
    pixels = tuple(round(each / arguments.spacing / 8) * 8 for each in FIELD_MM)
    size = work.Size(
        spacing_mm=arguments.spacing,
        pixels=(pixels[0], pixels[1]),
        folds=arguments.folds,
        epochs=arguments.epochs,
        steps=arguments.steps,
        batch=arguments.batch,
        rate=arguments.rate,
        slice_mm=arguments.slice_mm,
    )
    runs: Path = arguments.runs
    _check_size(runs, size)
    if not arguments.only_page:
        _note_program(runs)
        number, parts = (int(each) for each in arguments.part.split("/"))
        for job in [(seed, fold) for seed in range(arguments.seeds) for fold in range(size.folds)][number::parts]:
            _one(job[0], job[1], size, arguments.data, runs, arguments.networks)
        _weigh(size, runs)
    architecture_page.write(arguments.out, runs, size, _command(arguments))


def _one(seed: int, fold: int, size: work.Size, data: Path, runs: Path, names: Sequence[str]) -> None:
    """Train networks on one fold, and score those that are not yet, side by side, so that each scan is read once."""
    scores = runs / f"scores-seed{seed}-fold{fold}.json"
    rows = parse_json(scores.read_text(encoding="utf-8")) if scores.exists() else []
    missing = [name for name in names if name not in {row["network"] for row in rows}]
    if not missing:
        return
    cases = find_cases(data, (DEMO_SAMPLE,))
    folders = {name: runs / f"{name}-seed{seed}-fold{fold}" for name in missing}
    for name, folder in folders.items():
        # Each in a process of its own: what torch keeps for one network is no use to the next.
        _fresh(work.train, name, size, seed, fold, cases, folder, runs / "cache")
    test = choose(cases, work.split(cases, size, fold).test)
    write_json(scores, rows + _fresh(work.judge, folders, seed, fold, test, runs / "worst", size.slice_mm))


def _weigh(size: work.Size, runs: Path) -> None:
    path = runs / "costs.json"
    costs = parse_json(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in work.CONTENDERS:
        model = runs / f"{name}-seed0-fold0" / "model"
        if name in costs or not model.exists():
            continue
        costs[name] = _fresh(work.weigh, name, size)
        costs[name] |= {engine: _fresh(work.cost, model, engine) for engine in ENGINES}
        write_json(path, costs)


def _check_size(runs: Path, size: work.Size) -> None:
    """Keep trainings of different sizes apart."""
    runs.mkdir(parents=True, exist_ok=True)
    path = runs / "size.json"
    own = json.loads(json.dumps(dataclasses.asdict(size)))
    if path.exists() and parse_json(path.read_text(encoding="utf-8")) != own:
        raise SystemExit(f"{runs} holds trainings of another size (size.json); choose another --runs.")
    write_json(path, own)


def _note_program(runs: Path) -> None:
    """Keep which commit trains and judges here, and on which processor: another one may give other figures."""
    root = Path(__file__).resolve().parents[1]
    asked = ("git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*")
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    program = f"commit {commit} on {describe_environment(load_engines=False)['Processor'].split(';')[0]}"
    path = runs / "programs.json"
    known = parse_json(path.read_text(encoding="utf-8")) if path.exists() else []
    if program not in known:
        write_json(path, [*known, program])


def _fresh(function, *arguments):  # type: ignore[no-untyped-def]
    """Call a function in a process of its own, on one thread."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)) as process:
        return process.submit(function, *arguments).result()


def _command(arguments: argparse.Namespace) -> str:
    words = [f"--{name.replace('_', '-')} {getattr(arguments, name)}" for name in SIZES]
    return "python benchmarks/architectures.py --data DATA --runs RUNS " + " ".join(words)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of cases with masks")
    parser.add_argument("--runs", type=Path, required=True, help="where trainings, scores and costs are kept")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the page and its pictures go")
    parser.add_argument("--spacing", type=float, default=2.0, help="mm of a pixel of the grid")
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100, help="of an epoch")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument(
        "--slice-mm", type=float, default=5.0, help="judge every n-th slice, at most so far apart; 0: all"
    )
    parser.add_argument("--part", default="0/1", metavar="I/N", help="do the I-th of N parts, from 0")
    names = tuple(work.CONTENDERS)
    parser.add_argument("--networks", nargs="+", choices=names, default=names, help="these alone")
    parser.add_argument("--only-page", action="store_true", help="write the page from what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
