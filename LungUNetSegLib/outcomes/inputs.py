"""Prepares the outcome network's input, and reads the table of outcomes."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import read_pair, tell
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.region import (
    WHOLE_LUNG_SIZE,
    Box,
    crop,
    lung_box,
    lung_box_of_wang,
    suppress_outside,
    whole_lung_input,
)
from LungUNetSegLib.texts import listed
from LungUNetSegLib.volume import Volume

logger = logging.getLogger(__name__)

OUTCOMES = {"0": False, "1": True, "no": False, "yes": True, "false": False, "true": True}
"""Accepted spellings of outcomes in a table."""


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """Which part of a scan the network gets.

    Attributes:
        crop: Whether the lungs' box is cut out; otherwise the whole scan is used.
        suppress: Whether the contrast of tissue outside the lungs is reduced.
        size: (slices, rows, columns).
    """

    crop: bool = True
    suppress: bool = True
    size: tuple[int, int, int] = WHOLE_LUNG_SIZE

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ConfigError(f"size needs numbers of at least 1, got {self.size}.")


def network_input(scan: Volume, lungs: Volume, config: InputConfig) -> Float32:
    """Return the network's input with axes (head, back, left), mean 0 and standard deviation 1.

    Raises:
        DataError: No lung, or too little lung for the box of Wang 2020.
    """
    box = lung_box_of_wang(lungs) if config.crop else _all_of(lungs)
    scan, lungs = crop(scan, box).canonical(), crop(lungs, box).canonical()
    values = suppress_outside(scan.array, lungs.array > 0) if config.suppress else scan.array.astype(np.float32)
    return whole_lung_input(values, config.size)


def read_input(case: Case, config: InputConfig) -> Float32:
    """Read a case's scan and mask, log what is odd about them, and return the network's input.

    Raises:
        ReadError: A file cannot be read.
        DataError: The mask does not match its scan, or has too little lung.
    """
    pair = read_pair(case)
    tell(case.case_id, pair.findings)
    try:
        return network_input(pair.ct, pair.labels, config)
    except DataError as error:
        raise DataError(f"{case.mask}: {error}") from error


def read_outcomes(path: Path, cases: Sequence[Case]) -> dict[str, bool]:
    """Return the outcome of each case from a CSV file with the columns ``case`` and ``outcome`` (1 or 0, yes or no).

    Raises:
        DataError: Not such a table, a case that is missing or listed twice, an invalid outcome, or two cases of one
            patient with different outcomes.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table of outcomes: {error}.") from error
    if not rows or not {"case", "outcome"} <= set(rows[0]):
        raise DataError(f"{path} needs the columns case and outcome, and a row for each case.")
    found: dict[str, bool] = {}
    for row in rows:
        case_id, outcome = (row["case"] or "").strip(), OUTCOMES.get((row["outcome"] or "").strip().lower())
        if outcome is None:
            raise DataError(f"{path}: the outcome of {case_id!r} must be 1 or 0, yes or no; it is {row['outcome']!r}.")
        if case_id in found:
            raise DataError(f"{path}: {case_id!r} is listed twice; give each case one outcome.")
        found[case_id] = outcome
    missing = [case.case_id for case in cases if case.case_id not in found]
    if missing:
        raise DataError(f"{path} has no outcome for {missing[0]!r}, whose scan is in the data.")
    unused = sorted(found.keys() - {case.case_id for case in cases})
    if unused:
        logger.warning(
            "%s: %d of %d cases have no scan in the data: %s.", path, len(unused), len(found), listed(unused)
        )
    _check_patients(path, cases, found)
    return {case.case_id: found[case.case_id] for case in cases}


def _check_patients(path: Path, cases: Sequence[Case], outcomes: dict[str, bool]) -> None:
    known: dict[str, bool] = {}
    for case in cases:
        if known.setdefault(case.patient, outcomes[case.case_id]) != outcomes[case.case_id]:
            raise DataError(f"{path}: patient {case.patient!r} has scans of different outcomes; a patient has one.")


def _all_of(lungs: Volume) -> Box:
    lung_box(lungs)  # raises an error for an empty mask
    return Box((0, 0, 0), lungs.geometry.shape)
