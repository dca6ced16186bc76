"""Checks that a training's cases can be used for training and test as requested."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.splits import Split, choose
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.texts import listed
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.presets import DEMO_SAMPLE

logger = logging.getLogger(__name__)


def check_patients(split: Split, cases: Sequence[Case], path: Path) -> None:
    """Refuse a split that has a patient in both training and test.

    Raises:
        DataError: Names the patient.
    """
    training, test = ({case.patient for case in choose(cases, ids)} for ids in (split.training, split.test))
    if training & test:
        raise DataError(f"{path} has the patient {min(training & test)} in training and in test; keep each in one.")


def check_unseen(known: Collection[str], split: Split, cases: Sequence[Case], path: str) -> None:
    """Refuse to test on patients that the initial weights were trained on.

    Args:
        known: Ids of the cases that the initial weights were trained on.
        split: The requested split.
        cases: All cases, including excluded ones.
        path: Path of the initial weights.

    Raises:
        DataError: Names the patient.
    """
    learnt = {case.patient for case in cases if case.case_id in known}
    seen = learnt & {case.patient for case in choose(cases, split.test)}
    if seen:
        raise DataError(
            f"start_from={path} was trained on the patient {min(seen)}, who is to be tested on; give the split that "
            "it was trained with, or train on all cases."
        )


def tell_misnamed(exclude: Collection[str], cases: Sequence[Case]) -> None:
    """Log which excluded names no case or patient has; the demo's sample is excluded wherever it is not."""
    names = {name for case in cases for name in (case.case_id, case.patient)}
    for name in exclude:
        if name not in names and name != DEMO_SAMPLE:
            logger.warning("The settings exclude %s, but no case or patient has that name.", name)


def tell_unnamed(split: Split, cases: Sequence[Case]) -> None:
    """Log which cases are in neither part of a split, as it was made before they came."""
    unnamed = [case.case_id for case in cases if case.case_id not in split.training + split.test]
    if unnamed:
        logger.warning("Neither trained nor tested on, as the split does not name them: %s.", listed(unnamed))


def check_sides(cases: Sequence[CachedCase], config: TrainingConfig) -> None:
    """Refuse masks with one label for both lungs if the network has to distinguish right and left.

    Raises:
        DataError: Names the mask.
    """
    one_label = next((cached.case for cached in cases if not cached.has_sides), None)
    if one_label is not None and config.network.out_channels == 2:
        raise DataError(
            f"{one_label.mask} has one label for both lungs; train with network.out_channels=1, or give masks "
            "with 1 for the right lung and 2 for the left."
        )
