"""`lungunetseg import-lctsc`: imports the data of the challenge LCTSC 2017 as cases."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from LungUNetSegLib.cases.lctsc import find_studies, import_lctsc
from LungUNetSegLib.cli.progress import ProgressView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder with the patients' folders, as downloaded")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="CASES",
        help="folder for CASE/ct and CASE/lungs.nii.gz; the CT is copied",
    )  # fmt: skip


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Import each patient and print the volumes of the lungs; errors and findings go to stderr.

    Returns:
        0, or 1 if a patient was not imported.

    Raises:
        LungUNetSegError: There is nothing to import, or the output folder cannot be written.
    """
    studies = find_studies(arguments.folder)
    failed = 0
    progress("import", 0, len(studies))
    for done, each in enumerate(import_lctsc(studies, arguments.output), start=1):
        progress.close()
        if each.volumes_ml is None:
            failed += 1
            print(f"{each.patient or '(no PatientID)'}: not imported: {each.error}", file=sys.stderr)
            continue
        right_ml, left_ml = each.volumes_ml
        print(f"{each.patient}: right lung {right_ml:.0f} ml, left lung {left_ml:.0f} ml")
        for finding in each.findings:
            print(f"{each.patient}: {finding.message}", file=sys.stderr)
        progress("import", done, len(studies))
    print(f"{len(studies) - failed} imported into {arguments.output}, {failed} not imported")
    return int(bool(failed))
