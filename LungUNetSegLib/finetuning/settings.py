"""Chooses settings and split of a fine-tuning: few steps, small ones, pulled back to where they began.

A few scans teach a network what is wrong about them, and let it forget what they do not show. So every weight is pulled
to its initial value (Li 2018, arXiv:1802.01483). The network's own answers as a second target would not add to that: a
corrected mask is its answer wherever nobody corrected it. The pull needs no second network at each step either.
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
from LungUNetSegLib.training.config import LUNGS, TrainingConfig
from LungUNetSegLib.training.start import Start

LEAST_PATIENTS = 3
"""Two to learn from, as one alone is learnt by heart, and one to be tested on."""

PARTS = 5
"""Corrections are few and dear, so that four fifths of the patients are learnt from."""

EPOCHS = 4
SLICES_PER_EPOCH = 480
LEARNING_RATE = 1e-4
"""A twentieth of the preset's: without batch normalisation larger steps throw a trained network off."""

PULL = 20.0
"""Times the learning rate: 0.2 % of the difference in each of the largest steps."""

VIEWS = 8
"""Views of each case; the preset's 24 would take a third of the time of so short a training."""


def finetuning_config(start: Start, name_or_path: str, epochs: int = EPOCHS) -> TrainingConfig:
    """Return the settings for training a model further: those of the preset `lungs` but for what this module says.

    Args:
        start: The model.
        name_or_path: Where it is.
        epochs: Number of epochs of `SLICES_PER_EPOCH` slices.
    """
    coarse = start.coarse_network
    return dataclasses.replace(
        LUNGS,
        preprocess=start.preprocess,
        network=read_network_config(start.network),
        coarse=CoarseConfig(network=from_json(UNet3dConfig, coarse, "coarse")) if coarse else None,
        sampling=dataclasses.replace(LUNGS.sampling, slices_per_epoch=SLICES_PER_EPOCH),
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
    """Divide cases by patient: one of `PARTS` is tested on, at least one.

    Patients that the model has learnt from are not tested on: it would have known them before.

    Raises:
        DataError: Too few patients, which are named.
    """
    known = {case.patient for case in cases if case.case_id in start.learnt}
    new = [case for case in cases if case.patient not in known]
    patients = sorted({case.patient for case in cases})
    if len(patients) < LEAST_PATIENTS or not new:
        which = f"only {', '.join(patients)}" if new else f"{', '.join(patients)}, whom the model has all learnt from"
        raise DataError(
            f"Fine-tuning needs corrected scans of at least {LEAST_PATIENTS} patients, to learn from two and be tested "
            f"on one that is new to the model; {data} has {which}. Add scans of other patients."
        )
    parts = min(PARTS, len({case.patient for case in new}))
    test = split_cases(new, LUNGS.seed, folds=parts).test if parts > 1 else tuple(case.case_id for case in new)
    return Split(training=tuple(case.case_id for case in cases if case.case_id not in test), test=test)
