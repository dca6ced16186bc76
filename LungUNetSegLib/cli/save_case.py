"""`lungunetseg save-case`: keeps a scan and its corrected mask as a case to train on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import LungUNetSegLib
from LungUNetSegLib.cases.names import case_name
from LungUNetSegLib.cases.reading import read_mask_on
from LungUNetSegLib.cases.saving import patient_key, save_case
from LungUNetSegLib.cli.meanings import add_map_argument, meanings_of
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.masks.read import LoadedMask
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.segmentation.correction import changes_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("scan", type=Path, metavar="CT", help="a DICOM folder or file, NIfTI, NRRD or MetaImage")
    parser.add_argument("mask", type=Path, metavar="MASK", help="the corrected mask")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of cases; created if missing")
    parser.add_argument("--name", help="name of the case; the scan's name if not given")
    parser.add_argument("--patient", help="name of the patient; a hash of the DICOM PatientID, or --name, if not given")
    parser.add_argument(
        "--network-mask", type=Path, metavar="FILE", help="the mask before its correction, to record what was changed"
    )
    parser.add_argument("--series", metavar="UID", help="the DICOM series to read; see `lungunetseg info`")
    add_map_argument(parser)


def run(arguments: argparse.Namespace, progress: Progress = silent) -> int:
    """Check the mask, write the case, and print what is odd about it.

    Raises:
        LungUNetSegError: The scan, the mask or the folder cannot be used.
    """
    scan = read_scan(arguments.scan, arguments.series)
    name = arguments.name or case_name(arguments.scan.resolve())
    mask = _mask(arguments.mask, scan, arguments)
    origin: dict[str, Any] = {
        "lungunetseg": LungUNetSegLib.__version__,
        "scan": scan.source.name,
        "mask": arguments.mask.name,
        "series_uid": scan.series_uid,
    }
    if arguments.network_mask:
        before = _mask(arguments.network_mask, scan, arguments).labels
        origin["correction"] = changes_of(before, mask.labels)
    patient_id = scan.slices[0].patient if scan.slices else ""
    patient = arguments.patient or (patient_key(patient_id) if patient_id else name)
    saved = save_case(arguments.to, name, scan.volume, mask.labels, patient=patient, origin=origin)
    print(saved.folder)
    for finding in dict.fromkeys((*scan.findings, *mask.findings, *saved.findings)):
        print(f"note: {finding.message}")
    return 0


def _mask(path: Path, scan: Scan, arguments: argparse.Namespace) -> LoadedMask:
    return read_mask_on(path, scan, meanings_of(arguments))
