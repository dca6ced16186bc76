"""Aerated parts beside lung that no wall separates from it: segmentation/open_parts.py."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.segmentation.open_parts import add_open_parts

LUNG, WALL, GAS = -850, 50, -1000
SIZE = (30, 40)


def _with_part(part: Mask, found: Mask, side: int = 1, hu: int = LUNG, pixel_mm: float = 1.0) -> Labels:
    """Labels after the step: `found` was lung, and `part` has these HU; all else is tissue."""
    labels = np.where(found, side, 0).astype(np.uint8)
    add_open_parts(labels, np.where(found, LUNG, np.where(part, hu, WALL)).astype(np.int16), (pixel_mm, pixel_mm))
    return labels


def _rectangle(rows: slice, columns: slice) -> Mask:
    mask = np.zeros(SIZE, bool)
    mask[rows, columns] = True
    return mask


FOUND = _rectangle(slice(10, 30), slice(0, 40))
"""Lung across the whole width, 800 pixels."""


@pytest.mark.parametrize(
    ("depth", "added"),
    [
        pytest.param(5, True, id="10 wide and 5 deep: 10 of a root of 50 are 1.41"),
        pytest.param(6, False, id="10 wide and 6 deep: 10 of a root of 60 are 1.29"),
    ],
)
@pytest.mark.parametrize("side", [1, 2])
def test_a_part_is_lung_where_it_is_open_along_twice_its_depth(depth: int, added: bool, side: int) -> None:
    """Protects tips of lungs that the network left out, and keeps airways and bowel out, which touch lung less."""
    part = _rectangle(slice(10 - depth, 10), slice(5, 15))
    np.testing.assert_array_equal(_with_part(part, FOUND, side), side * (FOUND | (part & added)))


@pytest.mark.parametrize("hu", [pytest.param(GAS, id="a pneumothorax"), pytest.param(-500, id="hazy")])
def test_what_is_not_as_light_as_lung_stays_out(hu: int) -> None:
    """Protects against gas beside the lung, and against rims of partial volumes."""
    part = _rectangle(slice(6, 10), slice(5, 25))
    np.testing.assert_array_equal(_with_part(part, FOUND, hu=hu), FOUND)


@pytest.mark.parametrize(("dark_columns", "added"), [(slice(6, 24, 4), True), (slice(6, 24), False)])
def test_dark_pixels_are_lung_and_a_dark_core_is_an_airways(dark_columns: slice, added: bool) -> None:
    """Protects noisy scans, whose parts had holes, and keeps out bronchi, which are as light as lung in the mean."""
    part = _rectangle(slice(4, 10), slice(5, 25))
    hu = np.where(FOUND | part, LUNG, WALL).astype(np.int16)
    hu[5:9, dark_columns] = GAS
    labels = FOUND.astype(np.uint8)
    add_open_parts(labels, hu, (1.0, 1.0))
    np.testing.assert_array_equal(labels, FOUND | (part & added))


def test_a_wall_keeps_a_part_out() -> None:
    """Protects against bowel below the diaphragm: a pixel of tissue between is a wall."""
    part = _rectangle(slice(5, 9), slice(5, 25))
    np.testing.assert_array_equal(_with_part(part, FOUND), FOUND)


def test_a_narrow_opening_does_not_make_a_wide_part_lung() -> None:
    """Protects against bronchi: they open to a lung's air by a gap in their walls at most."""
    part = _rectangle(slice(9, 10), slice(8, 12)) | _rectangle(slice(3, 9), slice(5, 15))
    np.testing.assert_array_equal(_with_part(part, FOUND), FOUND)


@pytest.mark.parametrize(("pixel_mm", "added"), [(1.0, True), (0.7, False)])
def test_small_parts_stay_as_they_are(pixel_mm: float, added: bool) -> None:
    """Protects against noise along the edge: 24 mm2 are added, the same pixels of 0.7 mm hold 12 mm2."""
    part = _rectangle(slice(8, 10), slice(5, 17))
    assert _with_part(part, FOUND, pixel_mm=pixel_mm)[part].all() == added


@pytest.mark.parametrize(("border", "side"), [(11, 2), (10, 1), (9, 1)])
def test_a_part_between_both_lungs_belongs_to_the_one_it_touches_most(border: int, side: int) -> None:
    """Protects the sides: the part is open along its columns 0 to 19, the right lung from `border` on."""
    labels = FOUND.astype(np.uint8)
    labels[:, :border] *= 2
    part = _rectangle(slice(5, 10), slice(0, 20))
    hu = np.where(FOUND | part, LUNG, WALL).astype(np.int16)
    add_open_parts(labels, hu, (1.0, 1.0))
    assert (labels[part] == side).all()


def test_pixels_may_be_longer_than_what_is_smoothed() -> None:
    """Protects coronal scans, whose axial pixels are as long as their slices are thick."""
    part = _rectangle(slice(8, 10), slice(5, 15))
    np.testing.assert_array_equal(_with_part(part, FOUND, pixel_mm=8.0), FOUND | part)


def test_closed_parts_beside_open_ones_stay_out() -> None:
    """Protects each part's own share of contact."""
    opened, closed = _rectangle(slice(6, 10), slice(0, 12)), _rectangle(slice(0, 10), slice(20, 26))
    np.testing.assert_array_equal(_with_part(opened | closed, FOUND), FOUND | opened)


@pytest.mark.parametrize("pixel_mm", [1 - 1e-7, 1, 1 + 1e-7])
def test_the_least_part_is_the_same_for_rounded_spacings(pixel_mm: float) -> None:
    """Protects parts of exactly 20 mm2: from DICOM and from NIfTI, with a computed spacing, not both were lung."""
    part = _rectangle(slice(8, 10), slice(5, 15))
    np.testing.assert_array_equal(_with_part(part, FOUND, pixel_mm=pixel_mm), FOUND | part)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("pixels", "added"), [(9, True), (2, False)])
def test_openness_is_told_in_mm(pixels: int, added: bool, turned: bool) -> None:
    """Protects sagittal and coronal scans, whose pixels are no squares: 9 mm deep, a part is 36 mm wide, or 8."""
    part = _rectangle(slice(1, 10), slice(5, 5 + pixels))
    labels, hu = FOUND.astype(np.uint8), np.where(FOUND | part, LUNG, WALL).astype(np.int16)
    placed = labels.T if turned else labels
    add_open_parts(placed, hu.T if turned else hu, (4.0, 1.0) if turned else (1.0, 4.0))
    np.testing.assert_array_equal(labels, FOUND | (part & added))
