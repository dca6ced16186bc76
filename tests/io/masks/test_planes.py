"""Planes come onto slices by height, and what lies between them has the shape between them."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.masks.planes import (
    Planes,
    check_gaps,
    distinct,
    even_step,
    matched,
    on_slices,
    shape_between,
    unfilled,
)


def square(low: int, high: int, size: int = 24) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[low:high, low:high] = True
    return mask


def areas(planes: Planes, count: int) -> list[int]:
    return on_slices(planes, count).sum(axis=(1, 2)).tolist()


def test_a_lost_slice_gets_the_shape_between_its_neighbours() -> None:
    """Protects the issue's small case: 0 2 4 8 10 12 mm of 400 pixels came back with an empty slice at 6 mm."""
    places = np.array([0.0, 1, 2, 4, 5, 6])
    assert areas(Planes(places, np.stack([square(2, 22)] * 6)), 7) == [400] * 7


def test_the_shape_between_two_squares_is_the_square_between_them() -> None:
    """By hand: sides of 4 and of 12 about one middle make 8 half way, and at a quarter 6 with its corners rounded."""
    small, large = square(10, 14), square(6, 18)
    assert np.array_equal(shape_between(small, large, 0.5), square(8, 16))
    rounded = square(9, 15)
    rounded[np.ix_([9, 14], [9, 14])] = False  # -.75 * sqrt(2) + .25 * 4 is below 0
    assert np.array_equal(shape_between(small, large, 0.25), rounded)
    assert np.array_equal(shape_between(small, large, 0.0), small)
    assert np.array_equal(shape_between(small, large, 1.0), large)


def test_an_empty_plane_stays_empty_as_far_as_the_middle() -> None:
    """Protects the lung's ends: a plane without lung says that there is none."""
    planes = Planes(np.array([0.0, 4.0]), np.stack([square(2, 4), square(0, 0)]))
    assert areas(planes, 5) == [4, 4, 4, 0, 0]


def test_planes_half_a_slice_off_fill_as_many_slices_as_there_are_planes() -> None:
    for shift in (-0.5, 0.5):
        planes = Planes(np.arange(3.0, 8.0) + shift, np.stack([square(2, 6)] * 5))
        assert sum(each > 0 for each in areas(planes, 12)) == 5


def test_the_end_planes_reach_half_their_distance() -> None:
    planes = Planes(np.array([4.0, 8.0]), np.stack([square(2, 6)] * 2), reach=2.0)
    assert np.flatnonzero(areas(planes, 14)).tolist() == [3, 4, 5, 6, 7, 8, 9, 10]


def test_finer_planes_give_the_one_that_lies_there() -> None:
    masks = np.stack([square(0, size) for size in range(1, 10)])
    assert areas(Planes(np.arange(9) / 4, masks), 3) == [1, 25, 81]


@pytest.mark.parametrize(
    ("places", "stated", "step"),
    [
        (np.arange(150) * 2 / 3, None, 2 / 3),
        (np.round(np.arange(150) * 2 / 3, 3), None, 2 / 3),
        (np.array([4.0, 10, 16]), 2.0, 2.0),
        (np.array([4.0, 10, 16]), None, 6.0),
        (np.array([0.0, 2, 4, 8]), 5.0, 2.0),
        (np.array([0.0, 2, 5, 9.1]), None, None),
    ],
)
def test_the_distance_of_planes(places: np.ndarray, stated: float | None, step: float | None) -> None:
    """Protects 2/3 mm x 150: rounding to a thousandth must not add up; and what the file states, where it fits."""
    found = even_step(places, stated)
    assert found == (None if step is None else pytest.approx(step, abs=1e-5))


def test_planes_of_one_height_are_one() -> None:
    heights, group = distinct(np.array([2.0, 0.0, 2.01, 0.02, 5.0]), 0.05)
    assert np.allclose(heights, [0.01, 2.005, 5]) and group.tolist() == [1, 0, 1, 0, 2]


def test_planes_match_slices_up_to_a_quarter_of_their_distance() -> None:
    slices = np.arange(5.0)
    assert np.array_equal(matched(np.array([1.2, 2.9]), slices), [1, 3])
    assert matched(np.array([1.2, 2.6]), slices) is None


def test_gaps_are_counted_and_wide_ones_refused() -> None:
    places, slices = np.array([1.0, 2, 3, 6, 7]), np.arange(10.0)
    assert unfilled(places, slices) == 2
    assert unfilled(places, np.array([0.0, 1, 2, 3, 6, 7, 8])) == 0, "the scan has no slice there"
    assert unfilled(places[:1], slices) == 0
    check_gaps(places, 8.0, "x")
    with pytest.raises(ReadError, match=r"^x has planes 27 mm apart"):
        check_gaps(places, 9.0, "x")
