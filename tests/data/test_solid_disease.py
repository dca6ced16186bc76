"""Where solid synthetic disease may be added: above the diaphragm and below the apex, by areas counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.data.solid_disease import LEAST_MM2, room_for_solid

WIDE = 2 * LEAST_MM2


def room(*areas: float, slice_mm: float = 7.0) -> list[bool]:
    """Return where a right lung of these areas from the feet to the head has room; the left one is absent."""
    both = np.stack([np.array(areas), np.zeros(len(areas))], axis=1)
    found = room_for_solid(both, slice_mm)
    assert not found[:, 1].any()
    return [bool(each) for each in found[:, 0]]


def test_wide_slices_that_do_not_narrow_towards_the_feet_have_room() -> None:
    """The lowest two slices have a neighbour above of 2 and a neighbour below of 1: there the diaphragm rises."""
    assert room(0.5 * WIDE, WIDE, WIDE, WIDE) == [False, False, True, True]


def test_the_tip_of_a_lung_has_none() -> None:
    """Solid tissue in a small section of lung would teach that shoulder and flank are lung."""
    assert room(WIDE, WIDE, LEAST_MM2 - 1, 0) == [True, True, False, False]


def test_a_tenth_less_below_than_above_is_still_wide() -> None:
    assert room(90 * WIDE, 95 * WIDE, 100 * WIDE)[1]
    assert not room(89 * WIDE, 95 * WIDE, 100 * WIDE)[1]


@pytest.mark.parametrize("areas", [(WIDE,), (WIDE, WIDE)])
def test_slices_without_neighbours_have_none(areas: tuple[float, ...]) -> None:
    """A single slice cannot tell, nor can two that lie 20 mm apart, which are none at 7 mm."""
    assert not any(room(*areas, slice_mm=20.0))
