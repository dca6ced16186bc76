"""Overlap of two masks: count true and false voxels once, take every score from the counts.

Works alike on numpy arrays and torch tensors (which this file never imports): `count` only needs ``&``, ``~`` and
``sum(axis=...)``.

The empty-mask rule: a score whose denominator is zero is NaN, that is undefined. Where neither mask has a voxel the
DSC is therefore neither 1, which would reward every slice outside the chest, nor 0, which would punish it; either
would make the mean a matter of how far the scan reaches. Where only one mask is empty the DSC is 0: everything
found is wrong, or everything is missed. `summarise` counts undefined values apart and never averages them.
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
    """Voxels by prediction and reference: arrays of one shape, or scalars; sums over cases are taken with ``+``.

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
        """TP / (TP + FN), the part of the reference that was found; NaN if the reference is empty."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Array:
        """TN / (TN + FP), the part of the background that was left alone; NaN if there is no background."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> Array:
        """TP / (TP + FP), the part of the prediction that is right; NaN if the prediction is empty."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def accuracy(self) -> Array:
        """Binary accuracy, (TP + TN) / all (the paper, section 2.5); NaN only if there are no voxels."""
        return _ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)


def count(prediction: Array, reference: Array, *, axis: Axis = None, ignore: Array | None = None) -> Counts:
    """Count agreeing and differing voxels.

    Args:
        prediction: Bool mask of any shape.
        reference: Bool mask of the same shape.
        axis: Axes to count over, e.g. ``(1, 2)`` for each slice of (D, H, W), ``(2, 3)`` for each image and channel
            of (N, C, H, W); all when None.
        ignore: Bool mask, broadcastable; voxels that nobody could decide and that count nowhere.

    Raises:
        DataError: Arrays that are not bool, or of different shapes.
    """
    for name, mask in (("prediction", prediction), ("reference", reference), ("ignore", ignore)):
        # Labels or probabilities would be combined bit by bit without complaint.
        if mask is not None and str(mask.dtype).removeprefix("torch.") != "bool":
            raise DataError(f"The {name} must be a bool mask, got {mask.dtype}; compare labels or threshold it first.")
    if prediction.shape != reference.shape:
        shapes = f"{tuple(prediction.shape)} and {tuple(reference.shape)}"
        raise DataError(f"Prediction and reference must have one shape, got {shapes}.")
    if ignore is None:
        total = math.prod(_sizes(prediction.shape, axis))
    else:
        valid = ~ignore
        prediction, reference = prediction & valid, reference & valid
        total = (valid | reference).sum(axis=axis)  # `reference`, a part of `valid`, only lends its shape
    both = (prediction & reference).sum(axis=axis)
    predicted, referred = prediction.sum(axis=axis), reference.sum(axis=axis)
    return Counts(tp=both, fp=predicted - both, fn=referred - both, tn=total - predicted - referred + both)


def dsc_by_slice(prediction: Array, reference: Array, axis: int = 0) -> Array:
    """Return the DSC of each slice of two 3D bool masks along `axis`; NaN where neither has a voxel.

    Returns:
        Floats of shape (slices,).
    """
    return count(prediction, reference, axis=tuple(other for other in range(3) if other != axis % 3)).dsc


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The spread of one score over slices or cases.

    The statistics are of the finite values alone, and NaN when there is none.

    Attributes:
        finite: How many values the statistics are of.
        undefined: How many were NaN: nothing to find and nothing found.
        infinite: How many were infinite: a distance to an empty mask, a failure that no mean can hold.
        mean, std, minimum, median, maximum: Of the finite values; `std` with n in the denominator.
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
    """Return the statistics of `values`, with undefined and infinite ones counted apart."""
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
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that we want; torch gives it in silence
        return numerator / denominator
