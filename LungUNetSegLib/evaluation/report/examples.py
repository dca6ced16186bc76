"""Chooses the slices of a case that a report shows: first the largest errors, then typical and good slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from LungUNetSegLib.evaluation.compare import Comparison

Role = Literal["most wrong voxels", "lung missed or invented", "worst", "in between", "best"]

APART_MM = 12.0
"""Slices closer than this to a shown slice would show the same error again."""

SLIVER_SHARE = 0.1
"""A slice with less lung than this share of the largest slice's is a sliver: a few voxels decide its DSC."""


def choose_slices(comparison: Comparison, each: int) -> list[tuple[Role, int]]:
    """Choose up to `each` slices of each role, and no slice twice.

    First those with most wrong voxels, then those where one lung has a DSC of 0, at least `APART_MM` apart; then those
    with the lowest, the median and the highest DSC, without slivers.

    Args:
        comparison: From `compare`.
        each: Number of slices of each role.

    Returns:
        Role and index of each slice, in the order in which a report shows them.
    """
    whole = comparison.whole
    wrong = np.array(whole.wrong_by_slice)
    gap = APART_MM / comparison.reference.geometry.spacing_mm[0]
    from_most_wrong = [int(index) for index in np.argsort(-wrong, kind="stable") if wrong[index]]
    failed = {index for region in comparison.regions for index, dsc in enumerate(region.dsc_by_slice) if dsc == 0}
    largest = _apart(from_most_wrong, gap, each)
    missed = _apart((index for index in from_most_wrong if index in failed), gap, each, largest)
    chosen: list[tuple[Role, int]] = [("most wrong voxels", index) for index in largest]
    chosen += [("lung missed or invented", index) for index in missed]
    chosen += pick_examples(_without_slivers(comparison, whole.slices_from_worst()), each)
    first_roles: dict[int, Role] = {}
    for role, index in chosen:
        first_roles.setdefault(index, role)
    return [(role, index) for index, role in first_roles.items()]


def pick_examples(from_worst: Sequence[int], each: int) -> list[tuple[Role, int]]:
    """Choose the `each` worst, median ("in between") and best slices; fewer if there are too few slices.

    Args:
        from_worst: Slice indices by rising score.
        each: Number of slices of each role.
    """
    number = min(each, len(from_worst) // 3)
    if not number:
        return [("worst", index) for index in from_worst]
    middle = (len(from_worst) - number) // 2
    chosen: list[tuple[Role, int]] = [("worst", index) for index in from_worst[:number]]
    chosen += [("in between", index) for index in from_worst[middle : middle + number]]
    chosen += [("best", index) for index in from_worst[: -number - 1 : -1]]
    return chosen


def _apart(indices: Iterable[int], gap: float, number: int, shown: Sequence[int] = ()) -> list[int]:
    """Return the first `number` indices that are at least `gap` away from the ones before and from `shown`."""
    kept: list[int] = []
    for index in indices:
        if len(kept) < number and all(abs(index - other) >= gap for other in (*shown, *kept)):
            kept.append(index)
    return kept


def _without_slivers(comparison: Comparison, indices: Sequence[int]) -> list[int]:
    union = comparison.prediction.array | comparison.reference.array
    area = np.count_nonzero(union, axis=(1, 2))
    return [index for index in indices if area[index] >= SLIVER_SHARE * area.max()]
