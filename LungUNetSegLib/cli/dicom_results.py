"""Handles DICOM results on the command line: their options, and writing them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import check_replaceable
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom_objects.common import highdicom, write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, files_of, make_objects
from LungUNetSegLib.io.dicom_objects.rtstruct import Holes
from LungUNetSegLib.io.dicom_objects.seg import SegKind
from LungUNetSegLib.io.dicom_objects.source import check_same_image, read_source
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS, DicomFormat
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.segmentation.result import Segmentation


def add_dicom_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `options_from` reads."""
    parser.add_argument(
        "--seg-kind", type=str.upper, choices=get_args(SegKind), default="BINARY",
        help="kind of DICOM SEG: one bit for each segment, or label numbers (LABELMAP), which few programs read",
    )  # fmt: skip
    parser.add_argument(
        "--all-frames", action="store_true", help="write frames of slices without lung into a DICOM SEG, too"
    )
    parser.add_argument("--holes", choices=get_args(Holes), default="keyhole", help="how an RTSTRUCT represents holes")
    parser.add_argument(
        "--fixed-uids", action="store_true", help="the same scan and model give the same DICOM file, dates too"
    )


def options_from(arguments: argparse.Namespace) -> DicomOptions:
    """Return the options of DICOM results that were given."""
    return DicomOptions(
        seg_kind=arguments.seg_kind,
        all_frames=arguments.all_frames,
        holes=arguments.holes,
        fixed_uids=arguments.fixed_uids,
    )


def dicom_format(output: Path) -> DicomFormat | None:
    """Return which DICOM object a name stands for, or None."""
    name = output.name.lower()
    return next((kind for kind, ending in DICOM_OUTPUT_ENDINGS.items() if name.endswith(ending)), None)


def check_dicom_output(output: Path) -> list[Path]:
    """Return the files that will be written for an output, or raise what writing them would raise."""
    wanted = dicom_format(output)
    assert wanted is not None, "the name was looked at before"
    files = list(files_of(output, wanted).values())
    for path in files:
        check_replaceable(path)
    if wanted != "rtstruct":
        highdicom()
    return files


def referred_scan(scan: Scan, reference: Path | None, series: str | None) -> Scan:
    """Return the scan whose slices a DICOM result refers to: the one that was segmented, or the series it came from.

    Raises:
        WriteError: There is no such series, or it shows something else.
    """
    if scan.slices:
        return scan
    if reference is None:
        raise WriteError(
            f"{scan.source}: is not a DICOM series; a DICOM result must refer to one: give the series from which it"
            " was made with --dicom-reference FOLDER, or write another format."
        )
    found = read_scan(reference, series)
    if not found.slices:
        raise WriteError(f"{reference}: is not a DICOM series; give the series from which the scan was made.")
    check_same_image(scan, found)
    return found


def write_dicom(
    output: Path, result: Segmentation, scan: Scan, model: Model, options: DicomOptions
) -> tuple[Finding, ...]:
    """Write a result as the DICOM object that a name stands for; return findings on what it cannot express."""
    wanted = dicom_format(output)
    assert wanted is not None, "the name was looked at before"
    files = files_of(output, wanted)
    maker = Maker(model=model.name, sha256=model.sha256)
    objects, findings = make_objects(tuple(files), LungResult.of(result), read_source(scan), maker, options)
    for kind, path in files.items():
        write_object(objects[kind], path)
    return findings
