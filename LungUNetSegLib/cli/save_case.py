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
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.segmentation.correction import changes_of
from LungUNetSegLib.volume import Volume


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
    add_map_argument(parser)


def run(arguments: argparse.Namespace, progress: Progress = silent) -> int:
    """Check the mask and write the case.

    Raises:
        LungUNetSegError: The scan, the mask or the folder cannot be used.
    """
    scan = read_scan(arguments.scan)
    name = arguments.name or case_name(arguments.scan.resolve())
    mask = _labels(arguments.mask, scan, arguments)
    origin: dict[str, Any] = {
        "lungunetseg": LungUNetSegLib.__version__,
        "scan": scan.source.name,
        "mask": arguments.mask.name,
        "series_uid": scan.series_uid,
    }
    if arguments.network_mask:
        origin["correction"] = changes_of(_labels(arguments.network_mask, scan, arguments), mask)
    patient_id = scan.slices[0].patient if scan.slices else ""
    patient = arguments.patient or (patient_key(patient_id) if patient_id else name)
    print(save_case(arguments.to, name, scan.volume, mask, patient=patient, origin=origin))
    return 0


def _labels(path: Path, scan: Scan, arguments: argparse.Namespace) -> Volume:
    return read_mask_on(path, scan, meanings_of(arguments)).labels
