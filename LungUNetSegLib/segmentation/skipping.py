"""Decides which slices are interpolated from those below and above them instead of computed by the network.

Thin slices show nearly the same: where the labels of two slices differ only along outlines, those between them are
interpolated. Above and below the lungs few slices are enough: a lung is longer than `EMPTY_MM`. What this changes is in
docs/adr/0016-slices-that-are-not-computed.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.segmentation.probabilities import Probabilities, hard_labels

THIN_MM = 1.25
"""Where slices lie at most so far apart, every second one may be interpolated."""

PATCH_PIXELS = 3
"""Labels that differ in a square of so many pixels, 4.5 mm, differ by more than outlines that move between slices."""

EMPTY_MM = 10.0
EMPTY_BELOW = 64
"""There is no lung between two slices at most `EMPTY_MM` apart without any probability of a quarter or more."""

Pair = tuple[int, int]


def first_slices(depth: int, slice_mm: float) -> npt.NDArray[np.int64]:
    """Return the numbers of the slices that are computed first, from the first slice to the last."""
    step = 1
    while 2 * step * slice_mm <= EMPTY_MM:
        step *= 2
    return np.unique(np.append(np.arange(0, depth, step), depth - 1))


def fill_or_halve(probabilities: Probabilities, pairs: Sequence[Pair], slice_mm: float) -> list[Pair]:
    """Interpolate the slices between those of a pair, in place, where these tell what they show.

    Args:
        probabilities: (D, 2, h, w), 0 to 255, computed at the slices of all pairs.
        pairs: Numbers of two slices between which none is computed.
        slice_mm: Distance of the slices.

    Returns:
        The halves of the other pairs; where two of them meet, a slice is to be computed.
    """
    halves: list[Pair] = []
    is_thin = slice_mm <= THIN_MM + 1e-4  # tolerates spacings rounded to float32 in files
    for first, last in pairs:
        if last - first < 2:
            continue
        ends = probabilities[first], probabilities[last]
        if max(end.max() for end in ends) < EMPTY_BELOW or (is_thin and last - first == 2 and labels_agree(*ends)):
            _interpolate(probabilities, first, last)
        else:
            middle = (first + last) // 2
            halves += [(first, middle), (middle, last)]
    return halves


def labels_agree(first: Probabilities, second: Probabilities) -> bool:
    """Whether each lung in two slices, (2, h, w), differs only in places narrower than `PATCH_PIXELS`."""
    before, after = hard_labels(first), hard_labels(second)
    return not any(_holds_square((before == side) != (after == side), PATCH_PIXELS) for side in (1, 2))


def _holds_square(mask: Mask, size: int) -> bool:
    """Whether a square of so many pixels lies within the mask."""
    if not mask.any():
        return False
    for _ in range(size - 1):
        mask = mask[:-1] & mask[1:]
        mask = mask[:, :-1] & mask[:, 1:]
    return bool(mask.any())


def _interpolate(probabilities: Probabilities, first: int, last: int) -> None:
    """Interpolate linearly between two slices, in place; rows of zeros are left untouched."""
    below, above = probabilities[first], probabilities[last]
    rows = np.flatnonzero((below | above).any(axis=(0, 2)))
    if not rows.size:
        return
    used = slice(rows[0], rows[-1] + 1)
    for number in range(first + 1, last):
        share = np.float32((number - first) / (last - first))
        probabilities[number, :, used] = np.rint(below[:, used] * (1 - share) + above[:, used] * share)


def pairs_of(numbers: npt.NDArray[np.int64]) -> list[Pair]:
    """Return each number with the next one."""
    return list(pairwise(numbers.tolist()))
