"""Checks that a training's cases can be used for training and test as requested."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.splits import Split, choose
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.training.config import TrainingConfig


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
