"""Many scans: `lungunetseg batch` beside loops over `segment`, and how long planning an archive takes.

    python benchmarks/batch.py [--scans 40] [--slices 150] [--rounds 3] [--ways segment jobs ...] [--beside CHECKOUT]
                               [--folder FOLDER] [--plans 3]

Prints the tables of docs/performance.md: medians over rounds in which the ways take turns, each with an empty folder of
results. With --beside, the loop of another checkout over its INPUTs takes its turns too. The scans are phantoms of
512 x 512 pixels as DICOM, each a study of its own (80 MB for 150 slices). With --folder, scans and times are kept: what
is measured later is added, and --rounds 0 --plans 0 prints the tables of what is there. A round of all ways takes about
20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from batch_runs import Command, measured, python_command

from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry

PHANTOMS = 2
"""Number of phantoms that are drawn; their copies differ in their identifiers."""

ARCHIVE_SERIES, ARCHIVE_SLICES = 60, 334
"""The archive that is planned: 20,040 files."""

CORES = os.cpu_count() or 1

WAYS = {
    "earlier": "{beside}: `segment`, all scans in a loop",
    "each": "`segment`, a process for each scan",
    "segment": "`segment`, all scans in a loop",
    "here": "`batch --jobs 0`, in the command's own process",
    "one": "`batch --jobs 1`",
    "jobs": f"`batch --jobs {CORES}`",
    "dask": f"`batch --cluster local --jobs {CORES}`",
}
PLANS = {"plan": "nothing known", "again": "from the index"}

Times = dict[str, list[dict[str, float]]]
"""Runs of each way."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plans", type=int, default=3, help="how often the archive of 20,000 files is planned")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="all if not given")
    parser.add_argument("--beside", type=Path, help="a checkout of an earlier commit, for the way `earlier`")
    parser.add_argument("--folder", type=Path, help="where scans and times are kept; nowhere if not given")
    arguments = parser.parse_args()
    if not arguments.beside:
        arguments.ways = [each for each in arguments.ways if each != "earlier"]
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(arguments.plans):
            plan(folder)
        for _ in range(arguments.rounds):
            segment(folder, arguments)
        print(f"{platform.processor() or platform.machine()}, {CORES} cores, Python {platform.python_version()}\n")
        print_ways(times_in(folder, size_of(arguments)), arguments)
        print_plans(times_in(folder, "archive"))


def segment(folder: Path, arguments: argparse.Namespace) -> None:
    """Segment the same scans in each way once."""
    source = folder / size_of(arguments)
    scans = write_scans(source, arguments.scans, arguments.slices)
    for way in arguments.ways:
        with tempfile.TemporaryDirectory(dir=folder, prefix="out-") as out:
            keep(folder, size_of(arguments), way, commands_of(way, source, Path(out), scans, arguments.beside))


def commands_of(way: str, source: Path, out: Path, scans: Sequence[Path], beside: Path | None) -> list[Command]:
    """Return the commands of a way, which are run one after another."""
    all_in_one = ["segment", *map(str, scans), "-o", str(out), "--json", str(out / "all.json")]
    batch = ["batch", str(source), "-o", str(out)]
    if way == "earlier":
        return [python_command(all_in_one, beside)]
    if way == "segment":
        return [python_command(all_in_one)]
    if way == "each":
        return [
            python_command(["segment", str(scan), "-o", str(out / f"{scan.name}.nii.gz"), "--json", str(out / "a.json"),
                            "--overwrite"])
            for scan in scans
        ]  # fmt: skip
    cluster = ["--cluster", "local"] if way == "dask" else []
    jobs = {"here": 0, "one": 1}.get(way, CORES)
    return [python_command([*batch, *cluster, "--jobs", str(jobs)])]


def plan(folder: Path) -> None:
    """Time the plan of an archive, its files in the system's cache, without and with an index."""
    for each in write_scans(folder / "archive", ARCHIVE_SERIES, ARCHIVE_SLICES, pixels=64):
        for file in each.iterdir():
            file.read_bytes()  # so that it is in the cache
    with tempfile.TemporaryDirectory(dir=folder, prefix="out-") as out:
        work = Path(out) / "work"
        work.mkdir()
        (work / "index.sqlite").touch()  # a dry run into a new folder keeps none
        for way in PLANS:
            keep(folder, "archive", way, [python_command(["batch", str(folder / "archive"), "-o", out, "--dry-run"])])


def keep(folder: Path, what: str, way: str, commands: Sequence[Command]) -> None:
    """Run a way's commands, and add what they took to the file of times."""
    run = measured(commands)
    with (folder / "times.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"what": what, "way": way, **run}) + "\n")


def times_in(folder: Path, what: str) -> Times:
    """Return the runs that a folder keeps, in the order in which they were made."""
    found: Times = {}
    path = folder / "times.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        run = json.loads(line)
        if run.pop("what") == what:
            found.setdefault(run.pop("way"), []).append(run)
    return found


def size_of(arguments: argparse.Namespace) -> str:
    """Return a name for scans of this number and size."""
    return f"{arguments.scans}-scans-of-{arguments.slices}"


def print_ways(times: Times, arguments: argparse.Namespace) -> None:
    """Print a line for each way; ratios are to the first one."""
    if not times:
        return
    print(f"{arguments.scans} scans of {arguments.slices} x 512 x 512 voxels, DICOM to NIfTI\n")
    print("| | rounds | scans an hour | ratio | CPU s a scan | peak MB of a process |\n|---|---|---|---|---|---|")
    first_s = None
    for way in filter(times.__contains__, WAYS):
        wall_s, cpu_s = (median(times[way], key) / arguments.scans for key in ("wall_s", "cpu_s"))
        first_s = first_s or wall_s
        title = WAYS[way].format(beside=arguments.beside.name if arguments.beside else "earlier")
        cells = [str(len(times[way])), f"{3600 / wall_s:.0f}", f"{first_s / wall_s:.2f}", f"{cpu_s:.2f}"]
        print(f"| {title} | {' | '.join(cells)} | {median(times[way], 'peak_mb'):.0f} |")
    print()


def print_plans(times: Times) -> None:
    """Print a line for a first plan, and one for a second."""
    if not times:
        return
    files = ARCHIVE_SERIES * ARCHIVE_SLICES
    print(f"Planning {files:,} DICOM files of {ARCHIVE_SERIES} series, the process's start included\n")
    print("| | rounds | wall s | CPU s |\n|---|---|---|---|")
    for way, title in PLANS.items():
        wall_s, cpu_s = median(times[way], "wall_s"), median(times[way], "cpu_s")
        print(f"| {title} | {len(times[way])} | {wall_s:.1f} | {cpu_s:.1f} |")


def write_scans(folder: Path, count: int, slices: int, pixels: int = 512) -> list[Path]:
    """Write phantoms, and copies of them that are other patients, unless they are there; return their folders."""
    if folder.exists():
        return sorted(folder.iterdir())
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    for number in range(count):
        path = draft / f"p{number:04}"
        if number < PHANTOMS:
            write_dicom_series(make_phantom(phantom_geometry((slices, pixels, pixels)), rng=number).ct, path, "Chest")
            continue
        path.mkdir()
        for file in sorted((draft / f"p{number % PHANTOMS:04}").iterdir()):
            (path / file.name).write_bytes(renamed(file.read_bytes(), number))
    draft.rename(folder)
    return sorted(folder.iterdir())


def renamed(content: bytes, number: int) -> bytes:
    """Return a file of another patient: every UID of ours begins otherwise, and is as long as before.

    Args:
        content: Of the file.
        number: From 0 to 899.
    """
    return content.replace(b"1.2.826.0.1.3680043.8.498.", b"1.2.826.0.1.3680043.9.%d." % (100 + number))


def median(runs: Sequence[dict[str, float]], key: str) -> float:
    """Return the median of a value over runs."""
    return statistics.median(run[key] for run in runs)


if __name__ == "__main__":
    main()
