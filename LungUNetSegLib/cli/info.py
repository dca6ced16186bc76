"""`lungunetseg info`: describes a scan and the series that `segment` would read, or this machine and installation."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegLib.cli.arguments import add_outside_argument
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.environment import describe_environment
from LungUNetSegLib.io import Scan, SeriesSummary, list_series, read_scan
from LungUNetSegLib.io.images.files import data_files_anywhere
from LungUNetSegLib.io.reading import is_dicom


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "input", type=Path, nargs="?", metavar="INPUT", help="a DICOM folder or file, NIfTI, NRRD or MetaImage"
    )
    asked.add_argument(
        "--environment", action="store_true", help="print versions, processor, GPU and models for a bug report"
    )
    parser.add_argument("--series", metavar="UID", help="the DICOM series to describe, of those that are listed")
    add_outside_argument(parser)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Print the series of a DICOM folder and the scan that would be segmented, or the environment.

    The series are printed before the scan is read: if the best one cannot be read, the user sees the others.

    Raises:
        ReadError: There is no scan.
    """
    if arguments.environment:
        for name, text in describe_environment().items():
            print(f"{name}: {text}")
        return 0
    if is_dicom(arguments.input):
        _print_series(list_series(arguments.input), arguments.series)
    progress("read", 0, 1)
    with data_files_anywhere(arguments.allow_outside):
        scan = read_scan(arguments.input, arguments.series)
    progress.close()
    print(_describe(scan))
    for finding in scan.findings:
        print(f"note: {finding.message}")
    return 0


def _print_series(found: Sequence[SeriesSummary], wanted: str | None) -> None:
    """Print a line for each series; a star marks the one that is read: the first unless another one is chosen."""
    for series in found:
        mark = "*" if series.uid == (wanted or found[0].uid) else " "
        spacing = " x ".join(f"{each:.3g}" for each in series.spacing_mm)
        kind = "axial" if series.is_axial else "not axial"
        size = f"{series.slices} x {series.rows} x {series.columns}"
        print(f"{mark} {series.uid}  {series.description}: {size} voxels of {spacing} mm, {kind}")


def _describe(scan: Scan) -> str:
    """Return the scan's description, its orientation and its range of values."""
    array, geometry = scan.volume.array, scan.volume.geometry
    tilt = geometry.obliquity_degrees
    oblique = f", {tilt:.1f} degrees oblique" if tilt > 0.05 else ""
    return f"{scan.description}{oblique}; {int(array.min())} to {int(array.max())} HU"
