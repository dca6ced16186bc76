"""Keeps a scan and its corrected mask as a case that `train` and `finetune` read, with where it came from.

A case is a folder ``NAME`` with ``NAME_ct.nii.gz``, ``NAME_lungs.nii.gz`` (1 right, 2 left lung), ``index.csv``, which
names the patient, and ``origin.json``.
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.names import case_name
from LungUNetSegLib.cases.patients import INDEX_FILE
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.errors import DataError, GeometryError, WriteError
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.io.images.write import write_image
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Volume

ORIGIN_FILE = "origin.json"


@dataclass(frozen=True)
class SavedCase:
    """A case that was written.

    Attributes:
        folder: The case's.
        findings: What a training will find odd about it.
    """

    folder: Path
    findings: tuple[Finding, ...]


def save_case(
    folder: Path, name: str, ct: Volume, labels: Volume, *, patient: str, origin: Mapping[str, Any]
) -> SavedCase:
    """Write a case, and read it as a training does before it counts.

    Args:
        folder: Of all cases; made if missing.
        name: The case's.
        ct: HU.
        labels: 1 right and 2 left lung, on the scan's grid.
        patient: Whose scan it is; cases of one patient are never split between training and test.
        origin: Where it came from, for `ORIGIN_FILE`; the date is added.

    Raises:
        DataError: The mask is empty, has other values, does not lie on the lung, or has its sides swapped; a name that
            cannot be one.
        GeometryError: The mask is on another grid.
        WriteError: The case exists, or cannot be written.
    """
    _check(name, ct, labels)
    target = folder / name
    if target.exists():
        raise WriteError(f"{target} exists; give the case another name, or remove that one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft_folder(folder) as draft:
            whole = draft / name
            whole.mkdir()
            write_image(whole / f"{name}_ct.nii.gz", ct)
            write_labels(whole / f"{name}_lungs.nii.gz", labels)
            with (whole / INDEX_FILE).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("case", "patient"), (name, patient)])
            about = {"case": name, "saved": time.strftime("%Y-%m-%d %H:%M"), **origin}
            (whole / ORIGIN_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
            findings = _checked(find_cases(whole)[0])
            whole.rename(target)
    except OSError as error:
        raise WriteError(f"The case cannot be written to {folder}: {error.strerror or error}.") from error
    return SavedCase(target, findings)


def patient_key(patient_id: str) -> str:
    """Return a name for a patient that keeps scans together without telling the ID, which a case does not need."""
    return "patient-" + hashlib.sha256(patient_id.encode()).hexdigest()[:12]


def _check(name: str, ct: Volume, labels: Volume) -> None:
    if not name or name != Path(name).name or name.startswith(".") or case_name(Path(name)) != name:
        raise DataError(
            f"A case cannot be called {name!r}: give a name without slashes, which does not end in a word such as mask."
        )
    if not labels.geometry.matches(ct.geometry, GRID_TOLERANCE_MM):
        raise GeometryError("The mask lies on another grid than the scan: give the mask of this scan.")
    if not labels.array.any():
        raise DataError("The mask is empty: it cannot be used for training. Give the corrected mask.")
    if labels.array.max() > LUNGS[-1].label:
        raise DataError(
            f"The mask holds the value {labels.array.max()}: a case has 1 for the right and 2 for the left lung."
        )


def _checked(case: Case) -> tuple[Finding, ...]:
    """Read a draft as a training does; an error does not name its file, which is gone by then."""
    try:
        return read_pair(case).findings
    except DataError as error:
        raise DataError(str(error).replace(str(case.mask), "The mask")) from error
