"""Many scans: `lungunetseg batch` beside today's other ways, and how long planning an archive takes.

    python benchmarks/batch.py [--scans 40] [--slices 150] [--rounds 3] [--ways segment,batch,...]

Prints the tables of docs/performance.md: medians over rounds in which the ways take turns, each with an empty folder of
results. The scans are phantoms of 512 x 512 pixels as DICOM, each a study of its own (80 MB for 150 slices). A round
takes about 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry

COMMAND = [sys.executable, "-m", "LungUNetSegLib"]
PHANTOMS = 2
"""So many are drawn; their copies differ in their identifiers."""

ARCHIVE_SERIES, ARCHIVE_SLICES = 60, 334
"""The archive that is planned: 20,040 files."""

WATCHED_S = 0.2
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024


@dataclass(frozen=True)
class Run:
    """What one way took for all scans.

    Attributes:
        wall_s: From start to end.
        cpu_s: Of all its processes.
        peak_mb: Resident memory of the largest of them.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


def ways(source: Path, out: Path, scans: list[Path]) -> dict[str, list[list[str]]]:
    """Return the commands of each way, run one after another."""
    batch = [*COMMAND, "batch", str(source), "-o", str(out)]
    cores = str(os.cpu_count() or 1)
    return {
        "a process for each scan": [
            [*COMMAND, "segment", str(scan), "-o", str(out / f"{scan.name}.nii.gz"), "--json", str(out / "a.json"),
             "--overwrite"]
            for scan in scans
        ],
        "segment": [[*COMMAND, "segment", *map(str, scans), "-o", str(out), "--json", str(out / "all.json")]],
        "batch in this process": [[*batch, "--jobs", "0"]],
        "batch --jobs 1": [[*batch, "--jobs", "1"]],
        f"batch --jobs {cores}": [[*batch, "--jobs", cores]],
        f"batch --cluster local --jobs {cores}": [[*batch, "--cluster", "local", "--jobs", cores]],
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="ways whose name contains this")
    parser.add_argument("--no-plan", action="store_true", help="leave out the archive of 20,000 files")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not arguments.no_plan:
            plan(folder)
        if arguments.rounds:
            segment(folder, arguments)


def segment(folder: Path, arguments: argparse.Namespace) -> None:
    """Compare the ways to segment the same scans."""
    scans = write_scans(folder / "scans", arguments.scans, arguments.slices)
    results: dict[str, list[Run]] = {}
    for turn in range(arguments.rounds):
        for name in ways(folder, folder, scans):
            if arguments.only not in name:
                continue
            out = folder / f"out {turn} {name}"
            out.mkdir()
            results.setdefault(name, []).append(measured(ways(folder / "scans", out, scans)[name]))
    first = next(iter(results.values()))
    print(f"{arguments.scans} scans of {arguments.slices} x 512 x 512 voxels, DICOM to NIfTI\n")
    print("| | scans an hour | ratio | CPU s a scan | peak MB of a process |\n|---|---|---|---|---|")
    for name, runs in results.items():
        wall_s = median(runs, lambda run: run.wall_s)
        ratio = median(first, lambda run: run.wall_s) / wall_s
        cpu_s = median(runs, lambda run: run.cpu_s) / arguments.scans
        peak_mb = median(runs, lambda run: run.peak_mb)
        print(f"| {name} | {3600 * arguments.scans / wall_s:.0f} | {ratio:.2f} | {cpu_s:.2f} | {peak_mb:.0f} |")
    print()


def plan(folder: Path) -> None:
    """Time the plan of an archive, its files in the system's cache, without and with an index."""
    write_scans(folder / "archive", ARCHIVE_SERIES, ARCHIVE_SLICES, pixels=64)
    command = [*COMMAND, "batch", str(folder / "archive"), "-o", str(folder / "plan"), "--dry-run"]
    (folder / "plan" / "work").mkdir(parents=True)
    (folder / "plan" / "work" / "index.sqlite").touch()  # a dry run into a new folder keeps none
    first, again = measured([command]), measured([command])
    files = ARCHIVE_SERIES * ARCHIVE_SLICES
    print(f"Planning {files:,} DICOM files of {ARCHIVE_SERIES} series, the process's start included\n")
    print("| | wall s | CPU s |\n|---|---|---|")
    print(f"| nothing known | {first.wall_s:.1f} | {first.cpu_s:.1f} |")
    print(f"| from the index | {again.wall_s:.1f} | {again.cpu_s:.1f} |\n")


def write_scans(folder: Path, count: int, slices: int, pixels: int = 512) -> list[Path]:
    """Write phantoms, and copies of them that are other patients."""
    paths = []
    for number in range(count):
        path = folder / f"p{number:04}"
        paths.append(path)
        if number < PHANTOMS:
            write_dicom_series(make_phantom(phantom_geometry((slices, pixels, pixels)), rng=number).ct, path, "Chest")
            continue
        path.mkdir()
        for file in sorted((folder / f"p{number % PHANTOMS:04}").iterdir()):
            (path / file.name).write_bytes(renamed(file.read_bytes(), number))
    return paths


def renamed(content: bytes, number: int) -> bytes:
    """Return a file of another patient: every UID of ours begins otherwise, and is as long as before."""
    root = b"1.2.826.0.1.3680043.8.498."
    return content.replace(root, b"1.2.826.0.1.3680043.9." + f"{1000 + number}"[-3:].encode() + b".")


def measured(commands: list[list[str]]) -> Run:
    """Run commands one after another, and return what they took together."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    peak_kb = 0.0
    for command in commands:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        ended = threading.Event()
        found: list[float] = []
        watch = threading.Thread(target=_watch, args=(process.pid, ended, found))
        watch.start()
        _, told = process.communicate()
        ended.set()
        watch.join()
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: {told}")
        peak_kb = max(peak_kb, *found)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.perf_counter() - started, cpu_s, peak_kb / 1024)


def _watch(pid: int, ended: threading.Event, found: list[float]) -> None:
    """Note the largest resident size of a process and of its children."""
    found.append(0.0)
    while not ended.wait(WATCHED_S):
        for each in (pid, *_descendants(pid)):
            try:
                pages = int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1])
            except (OSError, IndexError):
                continue
            found[0] = max(found[0], pages * PAGE_KB)


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []
    return [each for child in children for each in (child, *_descendants(child))]


def median(runs: list[Run], value: Callable[[Run], float]) -> float:
    """Return the median of a value over runs."""
    return statistics.median(map(value, runs))


if __name__ == "__main__":
    main()
