"""Scores slices one by one, as in the paper's section 2.5; empty ("black") masks are counted separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.metrics import Counts, Summary, count, summarise


@dataclass(frozen=True, kw_only=True, eq=False)
class SliceScores:
    """The scores of N slices, with the slices for pictures.

    Attributes:
        cases: (N,) the case of each slice.
        counts: Arrays of (N,).
        images: N arrays (H, W) of any intensities.
        references: N bool masks (H, W).
        predictions: N bool masks (H, W).
    """

    cases: Sequence[str]
    counts: Counts
    images: Sequence[Any]
    references: Sequence[Any]
    predictions: Sequence[Any]

    @property
    def dsc(self) -> FloatArray:
        """(N,) DSC; NaN if neither mask has a pixel."""
        return np.asarray(self.counts.dsc, np.float64)

    @property
    def accuracy(self) -> FloatArray:
        """(N,) binary accuracy."""
        return np.asarray(self.counts.accuracy, np.float64)

    @property
    def summaries(self) -> dict[str, Summary]:
        """Return the statistics of DSC and binary accuracy; slices that are empty in both are DSC's `undefined`."""
        return {"dsc": summarise(self.dsc), "accuracy": summarise(self.accuracy)}

    @property
    def false_alarms(self) -> int:
        """Number of slices without lung in which lung was predicted: DSC 0."""
        return int(np.sum((self.counts.tp + self.counts.fn == 0) & (self.counts.fp > 0)))

    @property
    def misses(self) -> int:
        """Number of slices with lung in which none was predicted: DSC 0."""
        return int(np.sum((self.counts.tp + self.counts.fp == 0) & (self.counts.fn > 0)))

    def by_case(self) -> dict[str, Counts]:
        """Return the summed counts of each case's slices, in order of first appearance."""
        names = np.asarray(self.cases)
        parts = (self.counts.tp, self.counts.fp, self.counts.fn, self.counts.tn)
        return {name: Counts(*(part[names == name].sum() for part in parts)) for name in dict.fromkeys(self.cases)}

    def from_worst(self) -> list[int]:
        """Return the slices with a defined DSC, lowest first; among equals the one with more wrong pixels first."""
        where = np.flatnonzero(~np.isnan(self.dsc))
        order = np.lexsort((-(self.counts.fp + self.counts.fn)[where], self.dsc[where]))
        return [int(each) for each in where[order]]


def evaluate_slices(
    images: Sequence[Any],
    references: Sequence[Any],
    predictions: Sequence[Any],
    cases: Sequence[str] | None = None,
    ignores: Sequence[Any] | None = None,
) -> SliceScores:
    """Score slices one by one.

    Args:
        images: N arrays or CPU tensors (H, W), or (1, H, W), of any intensities; sizes may differ.
        references: N bool masks likewise.
        predictions: N bool masks likewise: probabilities of at least 0.5.
        cases: (N,) names; without them all slices belong to one case.
        ignores: N bool masks of ignored pixels.

    Raises:
        DataError: Lists of different lengths, masks that are not bool, or a pair of different shapes.
    """
    lengths = {len(each) for each in (images, references, predictions, cases, ignores) if each is not None}
    if lengths != {len(images)} or not len(images):
        raise DataError(
            f"Every list of slices must have one entry for each of at least one slice, got {sorted(lengths)}."
        )
    scored = []
    for index, (reference, prediction) in enumerate(zip(references, predictions, strict=True)):
        ignore = None if ignores is None else np.asarray(ignores[index])
        scored.append(count(np.asarray(prediction), np.asarray(reference), ignore=ignore))
    counts = Counts(*(np.array([getattr(each, name) for each in scored]) for name in ("tp", "fp", "fn", "tn")))
    names = ["all"] * len(images) if cases is None else list(cases)
    return SliceScores(cases=names, counts=counts, images=images, references=references, predictions=predictions)
