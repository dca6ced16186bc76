"""Finds whose scan a case is: in an ``index.csv`` beside the cases, else in its DICOM files.

A patient on both sides of a split makes every score too good, so an index that cannot be used is refused, not passed
over.
"""

from __future__ import annotations

import csv
import logging
from pathlib import Path

from LungUNetSegLib.cases.names import case_name
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io.dicom.files import files_of, read_dataset
from LungUNetSegLib.io.endings import is_hidden

INDEX_FILE = "index.csv"

logger = logging.getLogger(__name__)


def patient_of(case_id: str, scan: Path, folder: Path) -> str:
    """Return the patient of a case: the index's, else that of the first of its DICOM files that names one, else its id.

    Args:
        case_id: The case.
        scan: Its image file or DICOM folder.
        folder: Where an index may lie.

    Raises:
        DataError: There is an index and it cannot be used.
    """
    index = folder / INDEX_FILE
    if index.is_file():
        listed = read_index(index)
        # Whoever lists files lists p_ct.nii.gz, or p_0000.nii.gz, for the case p.
        patient = listed.get(case_id) or {case_name(Path(name)): each for name, each in listed.items()}.get(case_id)
        if patient:
            return patient
        logger.warning("%s names no patient for the case %s.", index, case_id)
    if scan.is_dir():
        for path in files_of(scan):
            dataset = (
                None if is_hidden(path) else read_dataset(path, stop_before_pixels=True, specific_tags=["PatientID"])
            )
            if dataset is not None and dataset.get("PatientID"):
                return str(dataset.PatientID)
        logger.warning("%s: no file has a PatientID; the case is treated as a separate patient.", scan)
    return case_id


def read_index(path: Path) -> dict[str, str]:
    """Return the patient of each case in a CSV file with the columns ``case`` and ``patient``.

    Raises:
        DataError: Not such a table, or a case with two patients.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds bytes of zero")
        rows = list(csv.reader(text.splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table of patients: {error}. Save it as CSV in UTF-8.") from error
    columns = [each.strip() for each in rows[0]] if rows else []
    if not {"case", "patient"} <= set(columns):
        raise DataError(f"{path} needs the columns case and patient, parted by commas; its first line is {columns}.")
    found: dict[str, str] = {}
    for row in rows[1:]:
        values = dict(zip(columns, (each.strip() for each in row), strict=False))
        case_id, patient = values.get("case", ""), values.get("patient", "")
        if case_id and patient and found.setdefault(case_id, patient) != patient:
            raise DataError(f"{path} gives the case {case_id} two patients: {found[case_id]} and {patient}.")
    return found
