"""Splits cases into training and test: by patient, seeded, saved to disk."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.config import from_json, parse_json, to_json
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.files import write_json


@dataclass(frozen=True, kw_only=True)
class Split:
    """Case ids to train on and to test on; no patient is in both.

    A training is validated on the test cases after each epoch, and its best epoch is chosen by them.
    """

    training: tuple[str, ...]
    test: tuple[str, ...]


def split_cases(cases: Sequence[Case], seed: int, *, folds: int = 0, fold: int = 0) -> Split:
    """Split cases by patient.

    Patients with volumes and patients with single slices are both spread evenly over the parts, so patients are
    assigned in order of the amount of their data.

    Args:
        cases: All cases.
        seed: Seed of the order in which patients are assigned.
        folds: 0 for one split of 2:1, K for the K-fold cross-validation.
        fold: Which of the K folds is the test, from 0.

    Raises:
        DataError: Fewer patients than parts, or a fold that does not exist.
    """
    patients = _patients_by_size(cases, seed)
    parts = folds or 3
    if folds == 1 or folds < 0 or not 0 <= fold < parts:
        raise DataError(f"Fold {fold} of {folds} does not exist; folds start at 0 and there must be at least 2.")
    if len(patients) < max(2, folds):
        raise DataError(
            f"{len(patients)} patient(s) cannot be split into training and test by patient; "
            f"at least {max(2, folds)} are needed. If all scans carry one anonymous PatientID, name the patients in an "
            "index.csv beside the cases, with the columns case and patient."
        )
    test = set(patients[fold::parts]) if len(patients) >= parts else {patients[-1]}
    return Split(
        training=tuple(case.case_id for case in cases if case.patient not in test),
        test=tuple(case.case_id for case in cases if case.patient in test),
    )


def save_split(split: Split, path: Path) -> None:
    """Write a split as JSON.

    Raises:
        WriteError: No space, or no permission.
    """
    write_json(path, to_json(split))


def load_split(path: Path) -> Split:
    """Read what `save_split` wrote.

    Raises:
        DataError: No such file, no split in it, or a case that it names twice.
    """
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a split: {error}.") from error
    split = from_json(Split, values, str(path))
    named = split.training + split.test
    again = next((case_id for case_id in named if named.count(case_id) > 1), None)
    if again is not None:
        where = "in both its parts" if again in split.training and again in split.test else "twice"
        raise DataError(f"{path} names {again!r} {where}; name each case once.")
    return split


def choose(cases: Sequence[Case], case_ids: Sequence[str]) -> list[Case]:
    """Return the cases with these ids, in the order of `case_ids`.

    Raises:
        DataError: An id that no case has.
    """
    by_id = {case.case_id: case for case in cases}
    missing = [case_id for case_id in case_ids if case_id not in by_id]
    if missing:
        raise DataError(f"The split names {missing[0]}, which is not in the data set; use the split's own data set.")
    return [by_id[case_id] for case_id in case_ids]


def _patients_by_size(cases: Sequence[Case], seed: int) -> list[str]:
    """Return the patients, those with the most image files first, in random order among equals."""
    files: dict[str, int] = {}
    for case in cases:
        count = sum(1 for _ in case.image.iterdir()) if case.image.is_dir() else 1
        files[case.patient] = max(files.get(case.patient, 0), count)
    patients = sorted(files)
    random.Random(seed).shuffle(patients)
    # Volumes and single slices are assigned separately, so that every fold gets its share of both.
    return sorted(patients, key=lambda patient: files[patient] < 10)
