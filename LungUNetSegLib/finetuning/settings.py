"""Chooses the settings and the split of a fine-tuning: few and small steps, and weights that are pulled back.

From a few scans a network learns their corrections, but it may forget what they do not show. So every weight is pulled
to its initial value (Li 2018, arXiv:1802.01483). The original network's predictions as a second target would add
little: a corrected mask equals its prediction wherever nobody corrected it. The pull also needs no second network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.splits import Split, split_cases
from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.networks import UNet3dConfig, read_network_config
from LungUNetSegLib.training.coarse import CoarseConfig
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.presets import COARSE_VIEW, LUNGS
from LungUNetSegLib.training.start import Start

LEAST_PATIENTS = 3
"""Two for training, since a network overfits to a single one, and one for testing."""

PARTS = 5
"""One of so many parts of the patients is for testing: corrected scans are few, so four fifths are for training."""

EPOCHS = 4
SLICES_PER_EPOCH = 480
LEARNING_RATE = 1e-4
"""A twentieth of the preset's: larger steps degrade a trained network that has no batch normalisation."""

PULL = 20.0
"""It is multiplied by the learning rate: the largest steps take away 0.2 % of the difference."""

VIEWS = 8
"""Number of views of each case; the preset's 48 would take much of the time of so short a training."""


def finetuning_config(start: Start, name_or_path: str, epochs: int = EPOCHS) -> TrainingConfig:
    """Return the settings for training a model further: those of the preset `lungs` with the changes of this module.

    Args:
        start: The model to start from.
        name_or_path: Its name or path.
        epochs: Number of epochs of `SLICES_PER_EPOCH` slices.
    """
    coarse = start.coarse_network
    return dataclasses.replace(
        LUNGS,
        preprocess=start.preprocess,
        network=read_network_config(start.network),
        coarse=CoarseConfig(network=from_json(UNet3dConfig, coarse, "coarse")) if coarse else None,
        # The disease with which docs/training.md measured what fine-tuning changes; a coarse view shows no slice's own.
        sampling=dataclasses.replace(COARSE_VIEW.sampling, slices_per_epoch=SLICES_PER_EPOCH),
        pathology=COARSE_VIEW.pathology,
        views=dataclasses.replace(LUNGS.views, per_case=VIEWS),
        exclude=(),
        start_from=name_or_path,
        pull_to_start=PULL,
        epochs=epochs,
        learning_rate=LEARNING_RATE,
        warmup_epochs=0.25,
        average_decay=0.98,
    )


def finetuning_split(cases: Sequence[Case], start: Start, data: Path) -> Split:
    """Divide cases by patient: one of `PARTS` parts is for testing, at least one patient.

    Patients on which the model was trained are not used for testing, as their scores would be biased.

    Raises:
        DataError: There are too few patients; names them.
    """
    known = {case.patient for case in cases if case.case_id in start.learnt}
    new = [case for case in cases if case.patient not in known]
    patients = sorted({case.patient for case in cases})
    if len(patients) < LEAST_PATIENTS or not new:
        which = f"only {', '.join(patients)}" if new else f"{', '.join(patients)}, and the model was trained on all"
        raise DataError(
            f"Fine-tuning needs corrected scans of at least {LEAST_PATIENTS} patients: two for training, and one for "
            f"testing on which the model was not trained; {data} has {which}. Add scans of other patients."
        )
    parts = min(PARTS, len({case.patient for case in new}))
    test = split_cases(new, LUNGS.seed, folds=parts).test if parts > 1 else tuple(case.case_id for case in new)
    return Split(training=tuple(case.case_id for case in cases if case.case_id not in test), test=test)
