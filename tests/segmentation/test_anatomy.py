"""A sentence where the body says otherwise than the header."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.segmentation.anatomy import contradictions
from LungUNetSegLib.volume import Geometry, Volume

GEOMETRY = phantom_geometry((40, 96, 96))


@pytest.fixture(scope="module")
def chest() -> Phantom:
    return make_phantom(GEOMETRY, rng=1)


def found(phantom: Phantom, steps: tuple[int, int, int], *, mirror_sides: bool = False) -> list[str]:
    """What is found when the arrays are reversed and the header is not, with sides named by where they lie."""
    every = tuple(slice(None, None, step) for step in steps)
    hu, labels = phantom.ct.array[every], phantom.labels.array[every]
    if mirror_sides:
        labels = np.where(labels > 0, 3 - labels, 0).astype(np.uint8)
    grid = Geometry.axial(hu.shape, phantom.ct.geometry.spacing_mm)
    return [finding.code for finding in contradictions(Volume(hu, grid), Volume(labels, grid))]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_header_that_is_true_is_not_doubted(seed: int) -> None:
    """Protects from crying wolf; also a header that says, truly, that the axes run backwards."""
    geometry = phantom_geometry((40, 96, 96), axes=(2, 0, 1), flips=(True, False, True))
    for grid in (GEOMETRY, geometry):
        phantom = make_phantom(grid, rng=seed)
        assert contradictions(phantom.ct, phantom.labels) == ()


def test_rows_reversed_put_the_spine_in_front(chest: Phantom) -> None:
    assert found(chest, (1, -1, 1)) == ["spine-in-front"]


def test_slices_turned_around_put_the_spine_in_front(chest: Phantom) -> None:
    """Rows and columns reversed: the sides are exchanged."""
    assert "spine-in-front" in found(chest, (1, -1, -1), mirror_sides=True)


def test_columns_reversed_put_the_heart_on_the_right(chest: Phantom) -> None:
    assert found(chest, (1, 1, -1), mirror_sides=True) == ["heart-on-the-right"]


@pytest.mark.parametrize(("right_rows", "is_said"), [(40, True), (52, False)])
def test_a_heart_in_the_middle_is_enough_if_the_right_lung_is_smaller_too(right_rows: int, is_said: bool) -> None:
    """Protects slim patients from exchanged sides without a word: a gap of 9 voxels of 3 mm, whose middle lies 1.5 mm
    right of the spine's, beside a left lung of 50 rows.
    """
    hu, labels = np.full((30, 60, 80), 40, np.int16), np.zeros((30, 60, 80), np.uint8)
    labels[2:28, 5 : 5 + right_rows, 10:36], labels[2:28, 5:55, 45:71] = 1, 2
    hu[labels > 0], hu[:, 46:54, 38:44] = -850, 400
    grid = Geometry.axial(hu.shape, (5.0, 3.0, 3.0))
    codes = [finding.code for finding in contradictions(Volume(hu, grid), Volume(labels, grid))]
    assert codes == ["heart-on-the-right"] * is_said


def test_head_and_feet_exchanged_turn_the_taper(chest: Phantom) -> None:
    assert "lungs-upside-down" in found(chest, (-1, 1, 1))


def test_a_part_of_a_chest_or_both_lungs_in_one_say_nothing(chest: Phantom) -> None:
    part = Phantom(*(Volume(each.array[18:24], _part(each.geometry, 6)) for each in (chest.ct, chest.labels)))
    assert found(part, (1, -1, 1)) == []
    both = Volume(np.minimum(chest.labels.array, 1), chest.labels.geometry)
    assert contradictions(chest.ct, both) == ()


def _part(geometry: Geometry, slices: int) -> Geometry:
    return Geometry((slices, *geometry.shape[1:]), geometry.affine_lps)
