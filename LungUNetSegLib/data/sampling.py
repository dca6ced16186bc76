"""Which slices an epoch contains, and how often each is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.config import check_at_least, check_shares
from LungUNetSegLib.data.cache import CachedCase


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Which slices an epoch contains.

    Attributes:
        order: "every" takes each slice once, in random order, as the paper does; "balanced" draws slices so that
            all patients have the same weight.
        slices_per_epoch: With "balanced", the number of slices drawn.
        single_slice_share: With "balanced", the share of draws from cases of a single slice, which come from many
            patients with much pathology.
        no_lung_share: With "balanced", the largest share of draws from slices without lung.
        slab_probability: Probability that a slice of a volume is averaged with its neighbours into a thicker one.
        slab_mm: Largest thickness of such a slab.
        alone_probability: Probability that a slice is shown without its neighbours, if the network sees neighbours;
            real single slices are few.
        untold_probability: Probability that a slice is shown with its neighbours, but without the coarse network's
            result.
        plain_probability: Probability that a slice is shown in the unchanged scan instead of a view.
        own_disease_probability: Probability that a slice of a volume shows disease drawn for it, which lies in it,
            instead of its view's. Without a coarse view only, which would not show it.
    """

    order: Literal["every", "balanced"] = "balanced"
    slices_per_epoch: int = 1000
    single_slice_share: float = 0.4
    no_lung_share: float = 0.15
    slab_probability: float = 0.3
    slab_mm: float = 10.0
    alone_probability: float = 0.25
    untold_probability: float = 0.1
    plain_probability: float = 0.25
    own_disease_probability: float = 0.0

    def __post_init__(self) -> None:
        names = ("single_slice_share", "no_lung_share", "slab_probability", "alone_probability")
        check_shares(self, *names, "untold_probability", "plain_probability", "own_disease_probability")
        check_at_least(self, slices_per_epoch=1)


def balance(cases: Sequence[CachedCase], sampling: SamplingConfig) -> npt.NDArray[np.float64]:
    """Return the probability of each slice with order="balanced": (n,), case by case, from the feet to the head."""
    patients: dict[tuple[str, bool], int] = {}
    for case in cases:
        key = (case.case.patient, len(case.hu) == 1)
        patients[key] = patients.get(key, 0) + len(case.hu)
    kinds = {single for _, single in patients}
    weights: list[float] = []
    lung: list[bool] = []
    for case in cases:
        single = len(case.hu) == 1
        share = 1.0 if len(kinds) == 1 else sampling.single_slice_share if single else 1 - sampling.single_slice_share
        # Patients with volumes have equal weight; single slices have equal weight, as each was chosen for its content.
        peers = sum(key[1] == single for key in patients)
        slices = patients[case.case.patient, single]
        total = sum(count for key, count in patients.items() if key[1])
        weight = share / total if single else share / peers / slices
        weights.extend([weight] * len(case.hu))
        lung.extend(bool((case.target[index][:2] > 127).any()) for index in range(len(case.hu)))
    probabilities, has_lung = np.array(weights), np.array(lung)
    empty = probabilities[~has_lung].sum() / probabilities.sum()
    if empty > sampling.no_lung_share and has_lung.any():
        probabilities[~has_lung] *= sampling.no_lung_share / empty * (1 - empty) / (1 - sampling.no_lung_share)
    probabilities /= probabilities.sum()
    return probabilities
