"""Which slices the network need not see: the criterion by hand-drawn cases, and the whole way on a thin phantom."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.segmentation.skipping import fill_or_halve, first_slices, labels_agree

RIGHT, LEFT = 0, 1


def world(depth: int = 5) -> np.ndarray:
    """A right lung of 10 x 8 pixels, certain in the first and the last slice; nothing is computed between."""
    probabilities = np.zeros((depth, 2, 20, 30), np.uint8)
    probabilities[[0, -1], RIGHT, 5:15, 4:12] = 200
    return probabilities


@pytest.mark.parametrize(
    ("depth", "slice_mm", "expected"),
    [
        (20, 2.5, [0, 4, 8, 12, 16, 19]),
        (9, 5.0, [0, 2, 4, 6, 8]),
        (4, 5.1, [0, 1, 2, 3]),
        (20, 0.6, [0, 16, 19]),
        (1, 0.6, [0]),
    ],
)
def test_the_first_slices_lie_at_most_ten_millimetres_apart(depth: int, slice_mm: float, expected: list[int]) -> None:
    """Protects whatever is longer than that from being overlooked; the scan's ends are always seen."""
    assert first_slices(depth, slice_mm).tolist() == expected


def test_nothing_between_slices_without_lung_is_computed() -> None:
    """Protects the time for bellies and necks; a probability of a quarter is looked into."""
    empty = np.full((5, 2, 4, 4), 63, np.uint8)
    empty[1:4] = 0
    assert fill_or_halve(empty, [(0, 4)], 2.5) == []
    assert (empty == 63).all()
    empty[4, LEFT, 2, 2] = 64
    assert fill_or_halve(empty, [(0, 4)], 2.5) == [(0, 2), (2, 4)]


def test_a_slice_between_two_that_agree_is_their_mean() -> None:
    """Protects thin slices: linear between the neighbours, by distance."""
    probabilities = world(3)
    probabilities[2, RIGHT, 5:15, 4:12] = 220
    probabilities[2, RIGHT, 5, 4] = 0
    assert fill_or_halve(probabilities, [(0, 2)], 1.25) == []
    assert (probabilities[1, RIGHT, 6:15, 4:12] == 210).all() and probabilities[1, RIGHT, 5, 4] == 100
    assert not probabilities[1, LEFT].any()


@pytest.mark.parametrize(("slice_mm", "last"), [(1.3, 2), (0.6, 4), (0.3, 8)])
def test_slices_too_far_apart_are_computed_even_if_they_agree(slice_mm: float, last: int) -> None:
    """Protects what is shorter than the distance, such as a vessel across the slices."""
    probabilities = world(last + 1)
    assert fill_or_halve(probabilities, [(0, last)], slice_mm) == [(0, last // 2), (last // 2, last)]
    assert not probabilities[1:-1].any()


@pytest.mark.parametrize(("rows", "columns", "agrees"), [(2, 20, True), (20, 2, True), (3, 3, False), (2, 3, True)])
def test_outlines_may_move_and_patches_may_not(rows: int, columns: int, agrees: bool) -> None:
    """Protects structures that begin or end between two slices: what differs by 3 x 3 pixels is computed."""
    probabilities = world(3)
    probabilities[2, LEFT, :rows, -columns:] = 255
    assert labels_agree(probabilities[0], probabilities[2]) is agrees
    assert fill_or_halve(probabilities, [(0, 2)], 1.0) == ([] if agrees else [(0, 1), (1, 2)])


def test_a_change_of_side_is_a_difference() -> None:
    """Protects where lungs touch: the same outline, of the other lung."""
    probabilities = world(3)
    probabilities[2] = probabilities[2, ::-1].copy()
    assert not labels_agree(probabilities[0], probabilities[2])


def test_neighbours_have_nothing_between_them() -> None:
    """Protects the end of the halving."""
    probabilities = world(2)
    probabilities[1] = 0
    assert fill_or_halve(probabilities, [(0, 1)], 1.0) == []
