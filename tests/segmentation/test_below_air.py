"""Organs below the lungs' air: what is removed, and which dense lungs stay."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.segmentation.below_air import drop_solid_below_air
from LungUNetSegLib.segmentation.cleaning import clean

SPACING_MM = (4.0, 2.0, 2.0)
"""A pixel has 4 mm2; 10 mm are three slices."""

AIR, LIVER, GAS = -850, 50, -1000


def scan(*sides: int, air_from: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Lungs of 30 x 20 pixels from slice 10 of 20 up to the head, with air from a slice on."""
    labels, hu = np.zeros((20, 60, 100), np.uint8), np.full((20, 60, 100), LIVER, np.int16)
    for side in sides:
        labels[10:, 10:40, 50 * side - 40 : 50 * side - 20] = side
    hu[air_from:][labels[air_from:] > 0] = AIR
    return labels, hu


@pytest.mark.parametrize("side", [1, 2])
def test_an_organ_that_widens_below_the_air_goes(side: int) -> None:
    """Protects abdomens: 210 ml of liver were right lung, and of spleen 26 ml left lung, in a low-dose PET/CT.

    40 x 30 pixels are twice the 30 x 20 of the lung.
    """
    labels, hu = scan(1, 2)
    lungs = labels.copy()
    labels[4:8, 10:50, 50 * side - 45 : 50 * side - 15] = side
    labels[8:10, 10:20, 50 * side - 40 : 50 * side - 30] = side  # where it hangs together with the lung
    assert drop_solid_below_air(labels, hu, SPACING_MM) == [4 * 40 * 30 + 2 * 10 * 10]
    assert np.array_equal(labels, lungs)


def test_the_other_lung_and_aerated_pixels_stay() -> None:
    """Protects the lung's own tip, which is aerated though small; gas is none."""
    labels, hu = scan(1, 2)
    labels[4:8, 10:50, 5:35] = 1
    labels[7, 5:10, 60:80] = 2
    hu[7, 12:15, 10:20], hu[5, 12:15, 10:20] = AIR, GAS
    drop_solid_below_air(labels, hu, SPACING_MM)
    assert np.array_equal(
        np.argwhere(labels[:10] == 1), [(7, row, column) for row in (12, 13, 14) for column in range(10, 20)]
    )
    assert np.count_nonzero(labels[7] == 2) == 5 * 20


def test_gas_of_a_bowel_is_not_the_lungs_air() -> None:
    """Else the liver would lie above the last air."""
    labels, hu = scan(1, 2)
    labels[4:8, 10:50, 5:35] = 1
    hu[4, 20:40, 10:30] = GAS
    assert sum(drop_solid_below_air(labels, hu, SPACING_MM)) == 4 * 40 * 30


@pytest.mark.parametrize("rows", [20, 30, 44])
def test_consolidated_bases_stay(rows: int) -> None:
    """Both lower lobes dense: what lies below the air has the width of the lung, less, or 1.47 times as much."""
    labels, hu = scan(1, 2)
    labels[4:10, 5 : 5 + rows, 10:30] = 1
    labels[4:10, 5 : 5 + rows, 60:80] = 2
    before = labels.copy()
    assert drop_solid_below_air(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


def test_one_dense_lung_beside_air_stays() -> None:
    """The right lung's lower part, or all of it, is opaque; the left one holds air as far down."""
    labels, hu = scan(1, 2)
    hu[:, :, :50] = LIVER
    labels[10:14, 5:45, 5:35] = 1
    before = labels.copy()
    assert drop_solid_below_air(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("is_flipped", [False, True])
@pytest.mark.parametrize("sides", [(1, 2), (1,), (2,)])
def test_dense_lungs_with_air_in_the_apex_alone_stay(sides: tuple[int, ...], is_flipped: bool) -> None:
    """Protects white lungs, 2 litres and more: a lung widens below its apex, here from 12 to 40 rows of 20 pixels.

    Air begins at slice 15 of 20, where the lung has 24 rows: 480 pixels, of which 800 are 1.7 times as many.
    """
    labels, hu = scan()
    for number in range(20):
        for side in sides:
            labels[number, : min(40, 12 + 3 * (19 - number)), 50 * side - 40 : 50 * side - 20] = side
    hu[15:][labels[15:] > 0] = AIR
    if is_flipped:
        labels, hu = labels[::-1], hu[::-1]
    before = labels.copy()
    assert drop_solid_below_air(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


@pytest.mark.parametrize(("aerated_slices", "voxels"), [(3, 0), (4, 4 * 40 * 30)])
def test_a_scan_that_ends_at_once_does_not_show_whether_the_lung_tapers(aerated_slices: int, voxels: int) -> None:
    """Air in the scan's last 12 mm may be that of an apex, or of a base: then nothing is removed."""
    labels, hu = scan(1, 2)
    labels[6:10, 10:50, 5:35] = 1
    assert sum(drop_solid_below_air(labels[: 10 + aerated_slices], hu, SPACING_MM)) == voxels


def test_what_widens_above_the_air_is_lung() -> None:
    """Protects lungs that are dense but for their narrower bases: no organ lies above them. 1.3 litres were removed."""
    labels, hu = scan(1, 2)
    labels[4:8, 10:50, 5:35] = 1
    labels, hu = labels[::-1], hu[::-1]
    before = labels.copy()
    assert drop_solid_below_air(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("depth", [1, 20])
def test_lungs_without_any_air_stay(depth: int) -> None:
    """Without air nothing tells how far the lungs reach; a slice seen alone is all there is of a scan."""
    labels, hu = scan(1, 2, air_from=20)
    labels[12:, 5:45, 5:35] = 1
    before = labels.copy()
    assert drop_solid_below_air(labels[-depth:], hu[-depth:], SPACING_MM) == []
    assert np.array_equal(labels, before)


def test_small_parts_stay() -> None:
    """11 x 11 pixels are 484 mm2, three times the tip of 36 that ends the lung there."""
    labels, hu = scan(1, 2)
    labels[10:13, :, :50] = 0
    labels[10:13, 10:16, 10:16] = 1
    labels[5:8, 10:21, 10:21] = 1
    before = labels.copy()
    assert drop_solid_below_air(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


def test_cleaning_says_what_it_removed() -> None:
    """Protects the order of the steps, and the finding: 4 slices of 40 x 30 voxels of 16 mm3."""
    labels, hu = scan(1, 2)
    probabilities = np.zeros((20, 2, 60, 100), np.uint8)
    labels[6:10, 10:50, 5:35] = 1
    for side in (1, 2):
        probabilities[:, side - 1][labels == side] = 255
    cleaning = clean(probabilities, hu, SPACING_MM)
    assert cleaning.removed_ml == (pytest.approx(4 * 40 * 30 * 0.016),)
    assert not probabilities[:10].any()
