"""The box around the lungs, its place in the patient, and what is made of the rest."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.region import (
    Box,
    crop,
    lung_box,
    lung_box_of_wang,
    suppress_outside,
    whole_lung_input,
)
from LungUNetSegLib.volume import Geometry, Volume


def labels(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] = (2.0, 1.0, 1.0)) -> Volume:
    """Return an empty label map."""
    return Volume(np.zeros(shape, np.uint8), Geometry.axial(shape, spacing_mm, (10.0, 20.0, 30.0)))


def test_the_box_holds_the_lungs_and_a_margin_in_mm() -> None:
    """Voxels 3 to 5, 10 to 19, 2 to 7; 3 mm are 2 slices of 2 mm and 3 pixels, as far as the scan goes."""
    lungs = labels((9, 30, 30))
    lungs.array[3:6, 10:20, 2:8] = 1
    assert lung_box(lungs) == Box((3, 10, 2), (6, 20, 8))
    assert lung_box(lungs, 3.0) == Box((1, 7, 0), (8, 23, 11))
    assert lung_box(lungs, 1000.0) == Box((0, 0, 0), (9, 30, 30))


def test_a_crop_keeps_its_place_in_the_patient(oblique_phantom: Phantom) -> None:
    """Protects overlays: every voxel of the crop has the value and the position that it has in the scan."""
    scan, box = oblique_phantom.ct, lung_box(oblique_phantom.labels, 5.0)
    part = crop(scan, box)
    for index in ((0, 0, 0), (3, 7, 1)):
        whole = np.add(index, box.start)
        assert part.array[index] == scan.array[tuple(whole)]
        np.testing.assert_allclose(part.geometry.to_lps(index), scan.geometry.to_lps(whole))
    assert (crop(oblique_phantom.labels, box).array > 0).sum() == (oblique_phantom.labels.array > 0).sum()


def wang_case() -> Volume:
    """Slices with 0, 2, 3, 100, 100, 100, 50, 1, 60, 0 % of the largest slice's 10,000 pixels of lung."""
    lungs = labels((10, 120, 120))
    for number, percent in enumerate((0, 2, 3, 100, 100, 100, 50, 1, 60, 0)):
        lungs.array[number, 5 : 5 + percent, 10:110] = 2
    return lungs


def test_slices_count_with_their_neighbours() -> None:
    """3 % counts but has a neighbour of 2 %; 50 % and 60 % have one of 1 %: from the first to the last 100 %."""
    assert lung_box_of_wang(wang_case()) == Box((3, 5, 10), (6, 105, 110))


def test_a_slice_at_the_end_has_one_neighbour() -> None:
    """A lung cut by the scan's end must not lose its last slice; and what lies between two used slices is taken."""
    lungs = labels((8, 100, 100))
    lungs.array[:, 10:90, 10:90] = 1
    lungs.array[4] = 0
    assert lung_box_of_wang(lungs) == Box((0, 10, 10), (8, 90, 90))


def test_the_box_does_not_depend_on_the_order_of_axes_and_slices() -> None:
    """Protects files with other axes: the rule is about slices of the body."""
    lungs = wang_case()
    turned = lungs.array.transpose(2, 0, 1)[:, ::-1]
    geometry = lungs.geometry.reordered((2, 0, 1), (False, True, False))
    box = lung_box_of_wang(Volume(turned, geometry))
    assert box == Box((10, 4, 5), (110, 7, 105))
    expected = crop(lungs, lung_box_of_wang(lungs))
    part = crop(Volume(turned, geometry), box).canonical()
    assert np.array_equal(part.array, expected.array) and part.geometry.matches(expected.geometry)


def test_too_small_or_empty_masks_are_refused() -> None:
    """Two slices, or 59 pixels, are what Wang 2020 leaves out; nothing at all has no box."""
    few, narrow = labels((2, 100, 100)), labels((9, 100, 100))
    few.array[:, :80, :80], narrow.array[:, :80, :59] = 1, 1
    for lungs, said in ((few, "2 slices"), (narrow, "80 x 59")):
        with pytest.raises(DataError, match=said):
            lung_box_of_wang(lungs)
    for box in (lung_box, lung_box_of_wang):
        with pytest.raises(DataError, match="empty"):
            box(labels((4, 4, 4)))
    with pytest.raises(DataError, match="at least 0 mm"):
        lung_box(few, -1.0)
    with pytest.raises(GeometryError, match="does not lie"):
        crop(few, Box((0, 0, 0), (3, 1, 1)))


def test_outside_values_are_clipped_and_never_erased() -> None:
    """Lung of -900 and -700: mean -800, deviation 100; outside to [-1200, -400]. The top 5 % are capped before."""
    hu = np.full((1, 10, 10), -700, np.int16)
    lung = np.zeros((1, 10, 10), bool)
    lung[0, :4] = True
    hu[0, :2] = -900
    hu[0, 5], hu[0, 6, 0], hu[0, 7] = 300, -2000, -450
    result = suppress_outside(hu, lung)
    assert (result[lung] == hu[lung]).all()
    assert (result[0, 5] == -400).all() and result[0, 6, 0] == -1200
    assert (result[0, 7] == -450).all() and (result[0, 8] == -700).all()
    with pytest.raises(DataError, match="no lung"):
        suppress_outside(hu, ~np.ones((1, 10, 10), bool))


def test_the_brightest_twentieth_is_capped_inside_too() -> None:
    """The cap comes first, so a calcified spot in the lung is capped as well: 5 of 100 voxels."""
    hu = np.full((1, 10, 10), -800.0)
    hu[0, 0, :5] = 1000
    hu[0, 1, 0] = -700
    lung = np.ones((1, 10, 10), bool)
    cap = np.percentile(hu, 95)
    result = suppress_outside(hu, lung)
    assert cap < 1000 and (result[0, 0, :5] == np.float32(cap)).all() and result[0, 1, 0] == -700


def test_the_network_sees_one_size_without_overshoot() -> None:
    """48 x 240 x 360 of mean 0 and deviation 1, between the least and the largest of what was given."""
    values = np.zeros((12, 30, 40), np.float32)
    values[:, 10:20] = 1.0
    seen = whole_lung_input(values)
    assert seen.shape == (48, 240, 360) and seen.dtype == np.float32
    assert abs(float(seen.mean())) < 1e-3 and float(seen.std()) == pytest.approx(1, abs=1e-3)
    flat = (seen - seen.min()) / (seen.max() - seen.min())
    assert (flat[24, 115:125] > 0.99).all() and (flat[24, :40] < 0.01).all()
    assert not whole_lung_input(np.full((4, 5, 6), 7.0, np.float32), (2, 3, 4)).any()
