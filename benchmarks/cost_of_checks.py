"""What the checks of input and result cost: `segment` on a good scan, beside the commit before them, in CPU seconds.

    python benchmarks/cost_of_checks.py [--rounds 5] [--scan FOLDER|FILE ...] [--before c05565b] [--threads 2]

The contenders take turns, each in a fresh process, and the one that begins changes from round to round. Printed are the
medians over rounds, of user and system time together, and the median of the ratios of each round. Without a scan the
phantom's thorax is segmented as a DICOM series and as NIfTI. The machine should be quiet.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from LungUNetSegLib.io import write_image
from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "c05565b"
"""The last commit without the checks; the network and its weights are the same."""

SHAPE = (200, 512, 512)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scan", type=Path, action="append", default=[], help="may be given several times")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="checks") as name, checkout(arguments.before, Path(name)) as old:
        folder = Path(name)
        scans = [path.resolve() for path in arguments.scan] or _phantoms(folder)
        print("| scan | before, CPU s | now, CPU s | ratio of a round, median | least | most |")
        print("|---|---|---|---|---|---|")
        for scan in scans:
            rounds = [_round(scan, folder, old, number, arguments.threads) for number in range(arguments.rounds)]
            print(_row(scan.name, rounds), flush=True)


@contextmanager
def checkout(commit: str, folder: Path) -> Iterator[Path]:
    """Yield a folder with a commit's files; the repository is left as it was."""
    place = folder / "before"
    git = ("git", "-C", str(ROOT), "worktree")
    subprocess.run([*git, "add", "--quiet", "--detach", str(place), commit], check=True)
    try:
        yield place
    finally:
        subprocess.run([*git, "remove", "--force", str(place)], check=True)


def _phantoms(folder: Path) -> list[Path]:
    ct = make_phantom(phantom_geometry(SHAPE), rng=1).ct
    write_dicom_series(ct, folder / "dicom")
    write_image(folder / "phantom.nii.gz", ct)
    return [folder / "dicom", folder / "phantom.nii.gz"]


def _round(scan: Path, folder: Path, old: Path, number: int, threads: int) -> tuple[float, float]:
    """CPU seconds of the old and of the new."""
    order = [old, ROOT] if number % 2 == 0 else [ROOT, old]
    seconds = {place: cpu_seconds(scan, folder, place, threads) for place in order}
    return seconds[old], seconds[ROOT]


def cpu_seconds(scan: Path, folder: Path, checkout: Path, threads: int) -> float:
    """Segment a scan in a fresh process; return user and system time of it and its children."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [
        sys.executable, "-m", "LungUNetSegLib", "segment", str(scan), "-o", str(out / "lungs.nii.gz"),
        "--engine", "onnxruntime", "--threads", str(threads), "--progress", "none",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    child = subprocess.Popen(command, env=environment, cwd=checkout, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"segment failed with {child.returncode} in {checkout}")
    return usage.ru_utime + usage.ru_stime


def _row(name: str, rounds: Sequence[tuple[float, float]]) -> str:
    before, now = (statistics.median(each) for each in zip(*rounds, strict=True))
    ratios = [new / old for old, new in rounds]
    spread = f"{statistics.median(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f}"
    return f"| {name} | {before:.2f} | {now:.2f} | {spread} |"


if __name__ == "__main__":
    main()
