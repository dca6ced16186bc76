"""Solid plates: what is removed, and what looks alike and stays."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.segmentation.cleaning import clean
from LungUNetSegLib.segmentation.thin_plates import drop_thin_plates

SPACING_MM = (4.0, 1.5, 1.5)
LIVER = np.s_[30:70, 30:70]
"""60 x 60 mm: 36 cm2."""


def scan(depth: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A lung of -850 HU in the upper half of a scan, with nothing below it."""
    labels, hu = np.zeros((depth, 100, 100), np.uint8), np.full((depth, 100, 100), 40, np.int16)
    labels[depth // 2 :, 20:80, 20:80] = 1
    hu[labels > 0] = -850
    return labels, hu


@pytest.mark.parametrize("slices", [1, 2])
@pytest.mark.parametrize("side", [1, 2])
def test_a_liver_that_is_called_lung_in_a_slice_or_two_goes(slices: int, side: int) -> None:
    """Protects abdomens: 170 ml of liver in three places of 1 or 2 slices were right lung in a low-dose PET/CT."""
    labels, hu = scan()
    lung = labels.copy()
    labels[(slice(4, 4 + slices), *LIVER)] = side
    assert sum(drop_thin_plates(labels, hu, SPACING_MM)) == slices * 40 * 40
    assert np.array_equal(labels, lung)


@pytest.mark.parametrize("depth", [4, 8])
def test_thick_consolidation_stays(depth: int) -> None:
    """More than 12 mm may be a part of an opaque lung, and is left to the network."""
    labels, hu = scan()
    labels[(slice(2, 2 + depth), *LIVER)] = 1
    before = labels.copy()
    assert drop_thin_plates(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


def test_solid_lung_on_aerated_lung_stays() -> None:
    """The base of a lung may be consolidated, in one slice only."""
    labels, hu = scan()
    labels[(9, *LIVER)] = 1
    assert drop_thin_plates(labels, hu, SPACING_MM) == []


def test_aerated_plates_small_ones_and_those_at_the_scan_s_ends_stay() -> None:
    """A middle lobe over the heart is thin; a tip is small; what is cut by the scan may be thick."""
    labels, hu = scan()
    labels[(4, *LIVER)] = 1
    hu[(4, *LIVER)] = -700
    labels[6, 30:42, 30:42] = 1  # 18 x 18 mm: 3.2 cm2
    labels[(0, *LIVER)] = 2
    before = labels.copy()
    assert drop_thin_plates(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


@pytest.mark.parametrize(("slice_mm", "removed"), [(0.9, True), (5.0, True), (10.0, True), (13.0, False)])
def test_slices_of_any_thickness(slice_mm: float, removed: bool) -> None:
    """Slices further apart than 12 mm cannot show that something is thin."""
    labels, hu = scan()
    labels[(4, *LIVER)] = 1
    assert bool(drop_thin_plates(labels, hu, (slice_mm, 1.5, 1.5))) is removed


def test_thin_strips_beside_a_plate_go_with_it_and_the_lung_below_stays() -> None:
    """The rim of a plate is narrower than what counts as wide, and must not be left standing."""
    labels, hu = scan()
    lung = labels.copy()
    labels[(4, *LIVER)] = 1
    labels[4, 70:72, 40:50] = 1
    drop_thin_plates(labels, hu, SPACING_MM)
    assert np.array_equal(labels, lung)


def test_a_plate_in_the_first_slice_of_a_part_of_the_scan_goes() -> None:
    """The cleaning looks at the lungs' box, whose lowest slice may be the plate."""
    labels, hu = scan()
    labels[(4, *LIVER)] = 1
    assert drop_thin_plates(labels[4:], hu[4:], SPACING_MM, is_cut=(False, True)) == [1600]


def test_the_cleaning_counts_plates_as_removed() -> None:
    labels, hu = scan()
    labels[(4, *LIVER)] = 1
    probabilities = np.zeros((len(labels), 2, 100, 100), np.uint8)
    probabilities[:, 0][labels == 1] = 255
    cleaning = clean(probabilities, hu, SPACING_MM)
    assert not probabilities[4].any() and probabilities[15].any()
    assert cleaning.removed_ml == pytest.approx((1600 * 4 * 1.5 * 1.5 / 1000,))
