"""Which slices of a case a report shows: the errors that matter first, then the usual and the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from LungUNetSegLib.evaluation.compare import Comparison

Role = Literal["most wrong voxels", "lung missed or invented", "worst", "in between", "best"]

APART_MM = 12.0
"""Slices nearer than this to one that is shown show the same error again."""

SLIVER_SHARE = 0.1
"""A slice with less lung than this share of the fullest one is a sliver: a few voxels decide its DSC."""


def choose_slices(comparison: Comparison, each: int) -> list[tuple[Role, int]]:
    """Choose up to `each` slices of each role, and no slice twice.

    First those with most wrong voxels, then those where one lung has a DSC of 0, each from another place; then the
    lowest DSC, the middle and the highest among slices that are no slivers.

    Args:
        comparison: What `compare` returned.
        each: How many slices of each role.

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
    """Choose `each` slices that are worst, in between (around the median) and best; fewer when there are too few.

    Args:
        from_worst: Slice indices ordered by rising score.
        each: How many of each role.
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
    """Return the first `number` indices that are no nearer than `gap` to one before or to one of `shown`."""
    kept: list[int] = []
    for index in indices:
        if len(kept) < number and all(abs(index - other) >= gap for other in (*shown, *kept)):
            kept.append(index)
    return kept


def _without_slivers(comparison: Comparison, indices: Sequence[int]) -> list[int]:
    union = comparison.prediction.array | comparison.reference.array
    area = np.count_nonzero(union, axis=(1, 2))
    return [index for index in indices if area[index] >= SLIVER_SHARE * area.max()]
