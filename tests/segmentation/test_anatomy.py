"""A sentence where the body says otherwise than the header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.segmentation.anatomy import contradictions
from LungUNetSegLib.segmentation.ribs import ribs_rise_backward
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
    part = Phantom(*(Volume(each.array[18:22], _part(each.geometry, 4)) for each in (chest.ct, chest.labels)))
    assert found(part, (1, -1, 1)) == []
    both = Volume(np.minimum(chest.labels.array, 1), chest.labels.geometry)
    assert contradictions(chest.ct, both) == ()


def ribs(slices: int, lungs: tuple[int, ...] = (1, 2), fall: int = 3) -> tuple[Volume, Volume]:
    """A part of a chest without its ends: slices of 5 mm, pixels of 2 mm, and ribs at both sides, 30 mm apart.

    Args:
        slices: From feet to head.
        lungs: Which are there.
        fall: Rows by which each slice's ribs lie further in front than in the slice above.
    """
    hu, labels = np.full((slices, 80, 100), 40, np.int16), np.zeros((slices, 80, 100), np.uint8)
    for label, columns, wall in ((1, slice(12, 44), slice(6, 10)), (2, slice(56, 88), slice(90, 94))):
        if label in lungs:
            labels[:, 8:72, columns], hu[:, 8:72, columns] = label, -850
        for number in range(slices):
            hu[number, (np.arange(80) - fall * number) % 15 < 5, wall] = 400
    hu[:, 66:76, 46:54] = 400  # the spine
    grid = Geometry.axial(hu.shape, (5.0, 2.0, 2.0))
    return Volume(hu, grid), Volume(labels, grid)


def turned(volume: Volume, *steps: int) -> Volume:
    """The array reversed, under the same header."""
    return Volume(volume.array[tuple(slice(None, None, step) for step in steps)], volume.geometry)


@pytest.mark.parametrize("lungs", [(1, 2), (1,), (2,)])
@pytest.mark.parametrize("slices", [10, 18])
def test_ribs_tell_head_from_feet_in_a_part_of_a_chest(lungs: tuple[int, ...], slices: int) -> None:
    """Protects scans of a base or an apex whose header lies: 50 and 90 mm, too low for all other landmarks."""
    scan, labels = ribs(slices, lungs)
    assert contradictions(scan, labels) == ()
    (finding,) = contradictions(turned(scan, -1, 1, 1), turned(labels, -1, 1, 1))
    assert finding.code == "lungs-upside-down" and "head and feet, or its front and back, are" in finding.message


def test_lungs_with_one_label_have_ribs_too() -> None:
    scan, labels = ribs(18)
    one = Volume(np.minimum(labels.array, 1), labels.geometry)
    assert contradictions(scan, one) == ()
    assert [each.code for each in contradictions(turned(scan, -1, 1, 1), turned(one, -1, 1, 1))] == [
        "lungs-upside-down"
    ]


@pytest.mark.parametrize(("slices", "fall"), [(9, 3), (18, 0)])
def test_ribs_that_tell_nothing_give_no_finding(slices: int, fall: int) -> None:
    """45 mm of ribs are too few; bars that do not descend are no ribs."""
    for steps in ((1, 1, 1), (-1, 1, 1)):
        scan, labels = (turned(each, *steps) for each in ribs(slices, fall=fall))
        assert contradictions(scan, labels) == ()


def test_front_and_back_exchanged_explain_ribs_that_descend_to_the_back() -> None:
    """Protects from a second sentence for one fault, and finds both pairs exchanged: ribs look right then."""
    scan, labels = ribs(24)
    scan.array[:, :6, 40:60] = 40
    for steps, codes in (((1, -1, 1), ["spine-in-front"]), ((-1, -1, 1), ["spine-in-front", "lungs-upside-down"])):
        found_codes = [each.code for each in contradictions(turned(scan, *steps), turned(labels, *steps))]
        assert [code for code in found_codes if code != "heart-on-the-right"] == codes


def _part(geometry: Geometry, slices: int) -> Geometry:
    return Geometry((slices, *geometry.shape[1:]), geometry.affine_lps)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["CMB-CRC-MSB-01068", "CPTAC-C3L-00189", "LIDC-IDRI-0002"])
def test_real_ribs_descend_to_the_front(shared_data: Path, name: str) -> None:
    """Protects from thresholds that only bars of our own pass: every 60 mm of real lungs, as they are and turned."""
    (case,) = (each for each in find_cases(shared_data) if each.case_id == name)
    pair = read_pair(case)
    scan, labels = pair.ct.thinned((5.0, 1.0, 1.0)), pair.labels.thinned((5.0, 1.0, 1.0))
    slices = np.flatnonzero(labels.array.any(axis=(1, 2)))
    height = round(60 / scan.geometry.spacing_mm[0]) + 1
    for first in range(slices[0], slices[-1] - height, height // 2):
        part = [Volume(each.array[first : first + height], _part(each.geometry, height)) for each in (scan, labels)]
        assert ribs_rise_backward(*part) is True
        assert ribs_rise_backward(*(turned(each, -1, 1, 1) for each in part)) is False
