"""Computes overlap scores of two masks: it counts true and false voxels once, and takes all scores from the counts.

It works on numpy arrays and torch tensors (this file never imports torch): `count` only needs ``&``, ``~`` and
``sum(axis=...)``.

The rule for empty masks: a score whose denominator is zero is NaN, that is, undefined. If neither mask has a voxel, a
DSC of 1 would reward every slice outside the chest, and 0 would penalise it; with either value the mean would depend on
how far the scan reaches. If only one mask is empty, the DSC is 0. `summarise` counts undefined values separately and
never averages them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from LungUNetSegLib.errors import DataError

Array = Any
"""A numpy array or a torch tensor."""

Axis = int | tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Counts:
    """Numbers of voxels by prediction and reference: arrays of one shape, or scalars; ``+`` adds cases.

    Attributes:
        tp: True positives: in both masks.
        fp: False positives: in the prediction only.
        fn: False negatives: in the reference only.
        tn: True negatives: in neither.
    """

    tp: Array
    fp: Array
    fn: Array
    tn: Array

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def dsc(self) -> Array:
        """Dice similarity coefficient, 2 TP / (2 TP + FP + FN) (the paper, section 2.5); NaN if both are empty."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def jaccard(self) -> Array:
        """TP / (TP + FP + FN); NaN if both masks are empty."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def sensitivity(self) -> Array:
        """TP / (TP + FN), the share of the reference that was found; NaN if the reference is empty."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Array:
        """TN / (TN + FP), the share of the background that was predicted as background; NaN without background."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> Array:
        """TP / (TP + FP), the share of the prediction that is correct; NaN if the prediction is empty."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def accuracy(self) -> Array:
        """Binary accuracy, (TP + TN) / all (the paper, section 2.5); NaN only if there are no voxels."""
        return _ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)


def count(prediction: Array, reference: Array, *, axis: Axis = None, ignore: Array | None = None) -> Counts:
    """Count the voxels on which two masks agree and differ.

    Args:
        prediction: Bool mask of any shape.
        reference: Bool mask of the same shape.
        axis: Axes to count over, e.g. ``(1, 2)`` for each slice of (D, H, W), ``(2, 3)`` for each image and channel
            of (N, C, H, W); all when None.
        ignore: Bool mask, broadcastable; undecided voxels that are not counted.

    Raises:
        DataError: Arrays that are not bool, or of different shapes.
    """
    for name, mask in (("prediction", prediction), ("reference", reference), ("ignore", ignore)):
        # Labels or probabilities would be combined bit by bit without complaint.
        if mask is not None and str(mask.dtype).removeprefix("torch.") != "bool":
            raise DataError(f"The {name} must be a bool mask, got {mask.dtype}; compare labels or threshold it first.")
    if prediction.shape != reference.shape:
        shapes = f"{tuple(prediction.shape)} and {tuple(reference.shape)}"
        raise DataError(f"Prediction and reference must have the same shape, got {shapes}.")
    if ignore is None:
        total = math.prod(_sizes(prediction.shape, axis))
    else:
        valid = ~ignore
        prediction, reference = prediction & valid, reference & valid
        total = (valid | reference).sum(axis=axis)  # `reference` is part of `valid`, and broadcasts it
    both = (prediction & reference).sum(axis=axis)
    predicted, referred = prediction.sum(axis=axis), reference.sum(axis=axis)
    return Counts(tp=both, fp=predicted - both, fn=referred - both, tn=total - predicted - referred + both)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The statistics of one score over slices or cases.

    Mean, deviation and so on cover the finite values only, and are NaN if there are none.

    Attributes:
        finite: Number of finite values.
        undefined: Number of NaN values: nothing to find and nothing found.
        infinite: Number of infinite values: distances to an empty mask, which no mean can include.
        mean, std, minimum, median, maximum: Statistics of the finite values; `std` with n in the denominator.
    """

    finite: int
    undefined: int
    infinite: int
    mean: float
    std: float
    minimum: float
    median: float
    maximum: float


def summarise(values: Iterable[float]) -> Summary:
    """Return the statistics of `values`; undefined and infinite values are counted separately."""
    every = np.fromiter(values, dtype=np.float64)
    finite = every[np.isfinite(every)]
    statistics = (finite.mean(), finite.std(), finite.min(), np.median(finite), finite.max()) if finite.size else ()
    mean, std, minimum, median, maximum = (float(each) for each in statistics or (math.nan,) * 5)
    return Summary(
        finite=finite.size,
        undefined=int(np.isnan(every).sum()),
        infinite=int(np.isinf(every).sum()),
        mean=mean,
        std=std,
        minimum=minimum,
        median=median,
        maximum=maximum,
    )


def _sizes(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return shape
    return tuple(shape[each] for each in ((axis,) if isinstance(axis, int) else axis))


def _ratio(numerator: Array, denominator: Array) -> Array:
    with np.errstate(invalid="ignore"):  # 0 / 0 gives the wanted NaN, with a warning of numpy but not of torch
        return numerator / denominator
