"""Writes docs/architectures.md and its pictures from what benchmarks/architectures.py left in its folder of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from architecture_pictures import cost_figure, worst_figure
from architecture_runs import CONTENDERS, MARGIN_MM, REGIONS, Row, Size
from architecture_scores import LUNGS, accuracy_of, is_judged, lungs_there, numbers_of

from LungUNetSegLib.config import parse_json
from LungUNetSegLib.files import replacing

ENGINES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "torch"}
NEAR = 0.005
"""DSC; differences below say nothing with these masks."""

HEAD = """# Networks compared

The networks that the paper builds on, its own, and ours, each trained and judged alike; written by

```
{command}
```

from {trainings}, each of {steps} steps of {batch} slices ({slices:,} slices in all) on a grid of {height} x {width}
pixels of {spacing} mm{programs}. Judged are {volumes} volumes and {singles} single slices, each by networks that did
not see its patient.{thin}

All begin with random weights, and have the same patients, order, augmentation, optimiser (AdamW, also instead of the
SGD of `unet_2015`) and rate; each has its preset's loss, window and neighbouring slices. None has what else a preset
adds: views of parts of a patient, and synthetic disease. So no figure here is one of the shipped weights or of their
recipe ([model card](model_card.md)). Where two cores could not train a preset it is narrower: `unet_2015` and
`vgg_segnet` have a quarter of the channels, `densenet_fpn` half the growth and a quarter of the pyramid.

**This compares how fast networks learn from little, and what they cost. It does not say which is best when trained to
its end**: the shipped `lungs` saw {times} times as many slices. Wang 2020 and Khan 2021 began, as far as is
remembered, with weights learnt from ImageNet. The threshold of a reference alone changes it by 0.007 DSC
([metrics.md](metrics.md#reading-the-numbers)); differences below 0.005 say nothing. The demo's sample is neither
trained on nor judged.
"""

SHIPPED_SLICES = (20 + 12 + 6 + 46 + 30) * 1200
"""Slices that the shipped `lungs` saw: five trainings (docs/model_card.md)."""

BY_HAND = "## Before you compare\n"
"""The heading of the page's part that is written by hand, and kept."""


def write(out: Path, runs: Path, size: Size, command: str) -> None:
    """Write the page and its pictures from the scores and costs that are there.

    Args:
        out: The folder of architectures.md; pictures go to `images` in it.
        runs: Holds `scores-*.json`, `costs.json` and `worst`.
        size: Of the trainings.
        command: That was run, for the page.
    """
    files = sorted(runs.glob("scores-*.json"))
    costs = _read(runs / "costs.json") if (runs / "costs.json").exists() else {}
    rows = [row for file in files for row in _read(file)]
    if not rows or not costs:
        print("There are no scores yet; the page is not written.")
        return
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    names = [name for name in CONTENDERS if name in costs and name in {row["network"] for row in rows}]
    accuracy = {name: accuracy_of([row for row in rows if row["network"] == name]) for name in names}
    cost_figure(images / "architectures_cost.png", costs, accuracy)
    worst_figure(images / "architectures_worst.png", runs / "worst", names)
    programs = _read(runs / "programs.json") if (runs / "programs.json").exists() else []
    page = out / "architectures.md"
    parts = [
        _head(size, files, command, programs, rows) + _absent(names),
        *_by_hand(page),
        "## Cost\n\n" + _costs(costs),
        "## Accuracy\n\n" + _accuracies(accuracy),
        "![Accuracy against cost](images/architectures_cost.png)\n",
        "## Where each wins\n\n" + _wins(costs, accuracy),
        "## Worst cases\n\n![The worst slice of each network's worst volume](images/architectures_worst.png)\n\n"
        + WORST,
        *_regions(rows),
    ]
    with replacing(page, ".md") as draft:
        draft.write_text("\n".join(parts), encoding="utf-8")


WORST = """Of each network's volume with the lowest DSC of a lung that is there, the slice with most wrong pixels:
green in both, red found and not in the reference or as the other lung, blue missed. Only masks are shown.
"""


SPREAD = """
Scores are of lungs that are there; one that is missed has DSC 0. HD95 is the median over cases, as a missed lung makes
the mean infinite. "By training" is the mean DSC of each training: by seed, then fold. Folds hold other patients, and
differ by these too. The last columns, of all trainings together: of how many lungs nothing was found, and in place of
how many lungs that are not there something was found, with its ml.
"""

SECOND_PASS = """
The first pass finds the lungs on the whole scan. A second sees their box with {margin:g} mm around it, or the scan with
what is not lung clipped to 4 standard deviations around the lungs' mean ([regions.md](regions.md)), or both, by the
same network, which was trained on whole slices.
"""


def _by_hand(page: Path) -> list[str]:
    """Return the part of an older page that is written by hand, if it has one."""
    if not page.exists():
        return []
    _, heading, rest = page.read_text(encoding="utf-8").partition(BY_HAND)
    if not heading:
        return []
    print(f"The part 'Before you compare' of {page} is kept. Is it still true?")
    return [heading + rest.partition("\n## ")[0].rstrip() + "\n"]


def _head(size: Size, files: Sequence[Path], command: str, programs: Sequence[str], rows: Sequence[Row]) -> str:
    judged = {single: len({row["case"] for row in rows if row["single"] == single}) for single in (False, True)}
    slices = size.epochs * size.steps * size.batch
    seeds = sorted({file.stem.split("-")[1] for file in files})
    thin = f" Volumes are judged on slices at most {size.slice_mm:g} mm apart." if size.slice_mm else ""
    return HEAD.format(
        command=command,
        trainings=f"{len(files)} trainings of each network ({size.folds} folds by patient, {len(seeds)} seed"
        f"{'s' if len(seeds) > 1 else ''})",
        steps=size.epochs * size.steps,
        batch=size.batch,
        slices=slices,
        times=round(SHIPPED_SLICES / slices),
        volumes=judged[False],
        singles=judged[True],
        height=size.pixels[0],
        width=size.pixels[1],
        spacing=f"{size.spacing_mm:g}",
        programs=_made_by(programs),
        thin=thin,
    )


def _made_by(programs: Sequence[str]) -> str:
    """Name the commits that made the figures, by their processors."""
    commits: dict[str, list[str]] = {}
    for each in programs:
        commit, _, processor = each.removeprefix("commit ").partition(" on ")
        commits.setdefault(processor, []).append(commit)
    return "".join(f", by commit {', then '.join(own)} on {processor}" for processor, own in commits.items())


def _absent(names: Sequence[str]) -> str:
    """Name what is not there yet."""
    absent = [f"`{name}`" for name in CONTENDERS if name not in names]
    return f"\n**Not trained yet: {', '.join(absent)}.** The same command goes on where it stopped.\n" if absent else ""


def _costs(costs: dict[str, Row]) -> str:
    """Weights, operations, CPU time and memory, of what was trained and of the preset."""
    head = ["network", "weights trained", "of the preset", "GFLOP a slice", "of the preset, on its grid"]
    head += [f"ms, {title}" for title in ENGINES.values()] + [f"MB, {title}" for title in ENGINES.values()]
    lines = []
    for name, each in costs.items():
        height, width = each["preset_pixels"]
        line = [f"`{name}`", f"{each['trained_weights']:,}", f"{each['preset_weights']:,}"]
        line += [f"{each['trained_gflop']:.2f}", f"{each['preset_gflop']:.1f} ({height} x {width})"]
        line += [f"{each[engine]['cpu_ms']:.0f}" for engine in ENGINES]
        line += [f"{each[engine]['memory_mb']:.0f}" for engine in ENGINES]
        lines.append(line)
    note = """
GFLOP: two for each multiplication and addition of the convolutions. ms: CPU time of a slice, on one thread, in batches
of 4; MB: what engine and network take beyond the program. They depend on the machine and on what else it does: compare
the networks, not the milliseconds with those of other pages.
"""
    return _table(head, lines) + note


def _accuracies(accuracy: dict[str, Row]) -> str:
    parts = []
    for kind, title in (("volumes", "Volumes"), ("slices", "Single slices")):
        if not is_judged(accuracy, kind):
            continue
        head = [
            title,
            "right DSC, mean",
            "worst",
            "left DSC, mean",
            "worst",
            "HD95 mm, right",
            "left",
            "both, by training",
            "missed lungs",
            "false lungs",
        ]
        lines = []
        for name, each in accuracy.items():
            line = [f"`{name}`"]
            for lung in LUNGS:
                line += [f"{each[kind, lung]['mean']:.3f}", f"{each[kind, lung]['worst']:.3f}"]
            line += [f"{each[kind, lung]['hd95']:.1f}" for lung in LUNGS]
            means = each[kind, "trainings"]
            line += [", ".join(f"{mean:.3f}" for mean in means), each[kind, "missed"], each[kind, "false"]]
            lines.append(line)
        parts.append(_table(head, lines))
    return "\n".join(parts) + SPREAD


def _wins(costs: dict[str, Row], accuracy: dict[str, Row]) -> str:
    """A sentence on each network: in what it is best, or within what nobody could tell from the best."""

    def mean(name: str, kind: str) -> float:
        return float(np.mean([accuracy[name][kind, lung]["mean"] for lung in LUNGS]))

    def worst(name: str) -> float:
        return min(accuracy[name]["volumes", lung]["worst"] for lung in LUNGS)

    measures: list[tuple[str, Callable[[str], float], float]] = []
    if is_judged(accuracy, "volumes"):
        measures.append(("the highest mean DSC on volumes", lambda name: -mean(name, "volumes"), NEAR))
        measures.append(("the best worst lung of a volume", lambda name: -worst(name), NEAR))
    if is_judged(accuracy, "slices"):
        measures.append(("the highest mean DSC on single slices", lambda name: -mean(name, "slices"), NEAR))
    measures += [
        ("the fewest weights", lambda name: costs[name]["trained_weights"], 0),
        ("the fewest operations", lambda name: costs[name]["trained_gflop"], 0),
        ("the least CPU time with ONNX Runtime", lambda name: costs[name]["onnxruntime"]["cpu_ms"], 0),
        ("the least memory with ONNX Runtime", lambda name: costs[name]["onnxruntime"]["memory_mb"], 0),
    ]
    lines = []
    for name in accuracy:
        best = [text for text, value, near in measures if value(name) <= min(map(value, accuracy)) + near]
        lines.append(f"- `{name}`: {', '.join(best) if best else 'best in nothing at this size'}.")
    return "\n".join(lines) + f"\n\nWithin {NEAR} DSC of the best counts as best.\n"


def _regions(rows: Iterable[Row]) -> list[str]:
    """Return the part on a second pass that sees the lungs' box alone, and what is not lung suppressed."""
    own = lungs_there([row for row in rows if row["network"] == "lungs" and row["lung"] in LUNGS])
    if not own:
        return []
    head = ["`lungs`", "volumes: DSC, mean", "worst", "HD95 mm, median", "single slices: DSC, mean", "worst"]
    lines = []
    for region in REGIONS:
        volumes, slices = ([r for r in own if r["region"] == region and r["single"] == single] for single in (0, 1))
        hd95 = numbers_of(volumes, "hd95_mm")
        lines.append([region, *_mean_and_worst(volumes), f"{np.median(hd95):.1f}" if hd95.size else "-"])
        lines[-1] += _mean_and_worst(slices)
    return ["## Region of interest and suppression\n\n" + _table(head, lines) + SECOND_PASS.format(margin=MARGIN_MM)]


def _mean_and_worst(rows: Sequence[Row]) -> tuple[str, str]:
    dsc = numbers_of(rows, "dsc")
    return (f"{dsc.mean():.3f}", f"{dsc.min():.3f}") if dsc.size else ("-", "-")


def _read(path: Path) -> Any:
    return parse_json(path.read_text(encoding="utf-8"))


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(each) + " |" for each in [head, ["---"] * len(head), *lines]) + "\n"
