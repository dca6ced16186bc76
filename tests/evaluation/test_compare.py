"""A prediction against a reference: numbers by hand, any two grids, and the sentences for what cannot be compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import resample

# Right lung: columns 1 to 4, left: 7 to 10, of rows 2 to 7 and slices 1 to 6; voxels of 5 x 2 x 2 mm = 0.02 ml.
GRID = Geometry.axial((8, 10, 12), (5.0, 2.0, 2.0))


def labels(right: slice = slice(1, 5), left: slice = slice(7, 11), geometry: Geometry = GRID) -> Volume:
    array = np.zeros(geometry.shape, np.uint8)
    array[1:7, 2:8, right] = 1
    array[1:7, 2:8, left] = 2
    return Volume(array, geometry)


def codes(comparison) -> list[str]:
    return [finding.code for finding in comparison.findings]


def test_scores_by_hand() -> None:
    """The predicted right lung is one column short of four; the left is perfect."""
    found = compare(labels(right=slice(1, 4)), labels())
    right, left, lungs = found.regions
    assert [region.name for region in found.regions] == ["Right lung", "Left lung", "Lungs"]
    assert [region.title for region in found.regions] == ["Right lung", "Left lung", "Both lungs"]
    assert right.dsc == pytest.approx(6 / 7) and right.jaccard == 0.75
    assert right.sensitivity == 0.75 and right.precision == 1
    assert right.accuracy == pytest.approx(1 - 36 / 960)
    assert right.reference_ml == pytest.approx(144 * 0.02) and right.prediction_ml == pytest.approx(108 * 0.02)
    assert right.difference_ml == pytest.approx(-0.72) and right.difference_percent == pytest.approx(-25)
    assert right.hd_mm == right.hd95_mm == 2 and 0 < right.mean_surface_mm < 2 and right.surface_dsc_2mm == 1
    assert (left.dsc, left.hd_mm, left.surface_dsc_2mm) == (1, 0, 1)
    assert lungs.dsc == pytest.approx(2 * 252 / (252 + 288)) and found.whole is lungs
    assert found.findings == ()


def test_dsc_of_each_slice_from_foot_to_head() -> None:
    prediction = labels()
    prediction.array[2, :, :4] = 0  # 18 of 24 voxels of the right lung missed
    prediction.array[7, 2, 1] = 1  # one voxel above the lung
    right = compare(prediction, labels()).regions[0]
    np.testing.assert_allclose(right.dsc_by_slice, [np.nan, 1, 2 * 6 / 30, 1, 1, 1, 1, 0], rtol=1e-12)
    assert right.wrong_by_slice == (0, 0, 18, 0, 0, 0, 0, 1)
    np.testing.assert_allclose(right.accuracy_by_slice, [1, 1, 1 - 18 / 120, 1, 1, 1, 1, 1 - 1 / 120], rtol=1e-12)
    assert right.slices_from_worst()[:2] == [7, 2] and 0 not in right.slices_from_worst()


def test_worst_of_equal_slices_is_the_one_with_more_wrong() -> None:
    prediction = labels()
    prediction.array[2:4] = 0
    reference = labels()
    reference.array[3, 5:] = 0
    assert compare(prediction, reference).whole.slices_from_worst()[:2] == [2, 3]


def test_slice_centre_is_where_a_viewer_should_go() -> None:
    assert compare(labels(), labels()).slice_centre_lps(3) == (11.0, 9.0, 15.0)


def test_order_of_axes_and_flips_change_nothing() -> None:
    """The demo's two label maps hold the same places in another order of rows: that is no resampling."""
    prediction, reference = labels(right=slice(1, 4)), labels()
    axes, flips = (2, 0, 1), (True, False, True)
    stored = reference.array.transpose(axes)[::-1, :, ::-1]
    turned = Volume(stored, reference.geometry.reordered(axes, flips))
    here, there = compare(prediction, reference), compare(prediction, turned)
    assert there.whole.dsc == here.whole.dsc and there.whole.hd95_mm == here.whole.hd95_mm and there.findings == ()
    np.testing.assert_array_equal(there.whole.dsc_by_slice, here.whole.dsc_by_slice)


def test_other_grid_is_resampled_and_said() -> None:
    fine = Geometry.axial((15, 19, 23), (2.5, 1.0, 1.0))
    found = compare(resample(labels(), fine, "nearest"), labels())
    assert found.whole.dsc == 1 and codes(found) == ["prediction-resampled"]
    assert found.prediction.geometry.matches(GRID)


def test_rounded_header_is_the_same_grid() -> None:
    near = Geometry.axial(GRID.shape, (5.0, 2.0, 2.0), (0.03, 0.0, 0.0))
    assert compare(labels(geometry=near), labels()).findings == ()


def test_oblique_grid_against_straight_one(phantom: Phantom, oblique_phantom: Phantom) -> None:
    """One patient scanned twice, 20 degrees apart and stored flipped: the same lungs."""
    found = compare(oblique_phantom.labels, phantom.labels)
    assert codes(found) == ["prediction-resampled"]
    assert min(region.dsc for region in found.regions) > 0.97
    assert found.whole.hd95_mm < 4


def test_prediction_cut_by_the_references_grid_is_said() -> None:
    upper = Geometry.axial((5, 10, 12), (5.0, 2.0, 2.0), (0, 0, 15.0))
    reference = Volume(labels().array[3:], upper)
    assert "prediction-cropped" in codes(compare(labels(), reference))


def test_grids_in_different_places_are_refused() -> None:
    elsewhere = Geometry.axial(GRID.shape, GRID.spacing_mm, (500.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match=r"do not overlap in space.*different scans or frames of reference"):
        compare(labels(geometry=elsewhere), labels())


def test_binary_compares_both_lungs_as_one() -> None:
    one_label = Volume((labels().array > 0).astype(np.uint8), GRID)
    found = compare(one_label, labels(), "binary")
    assert [region.name for region in found.regions] == ["Lungs"] and found.whole.dsc == 1 and found.findings == ()


def test_binary_leaves_no_sides_for_pictures_to_differ_in() -> None:
    """Else a left lung against a mask of both would be drawn as one large error beside a DSC of 1."""
    one_label = Volume((labels().array > 0).astype(np.uint8), GRID)
    for found in (compare(labels(), one_label, "binary"), compare(one_label, labels(), "binary")):
        np.testing.assert_array_equal(found.prediction.array, one_label.array)
        np.testing.assert_array_equal(found.reference.array, one_label.array)


def test_binary_mask_compared_as_sides_is_remarked_upon() -> None:
    one_label = Volume((labels().array > 0).astype(np.uint8), GRID)
    assert "prediction-one-label" in codes(compare(one_label, labels()))
    assert "reference-one-label" in codes(compare(labels(), one_label))
    both_as_two = Volume(one_label.array * 2, GRID)
    found = codes(compare(both_as_two, labels()))
    assert "prediction-one-label" in found and "sides-swapped" not in found


def test_swapped_sides_are_remarked_upon() -> None:
    swapped = Volume(np.array([0, 2, 1], np.uint8)[labels().array], GRID)
    found = compare(swapped, labels())
    assert codes(found)[0] == "sides-swapped" and found.whole.dsc == 1


def test_a_reference_with_holes_is_remarked_upon() -> None:
    """Protects a perfect prediction from a reference that was drawn on a scan which lost two slices."""
    reference = labels()
    reference.array[[2, 4]] = 0
    found = compare(labels(), reference)
    assert codes(found) == ["reference-slices-empty"] and "empty in 2 slices" in found.findings[0].message
    assert codes(compare(reference, labels())) == ["prediction-slices-empty"]
    assert codes(compare(reference, reference)) == [], "a gap in both is no error"
    reference.array[1:3] = 0
    assert codes(compare(labels(), reference)) == ["reference-slices-empty"], "what is empty at the end is no hole"


def test_empty_prediction_scores_zero_and_infinitely_far() -> None:
    found = compare(Volume(np.zeros(GRID.shape, np.uint8), GRID), labels())
    assert found.whole.dsc == found.whole.surface_dsc_2mm == 0
    assert found.whole.hd_mm == math.inf and found.whole.difference_percent == -100
    assert codes(found).count("not-predicted") == 3


def test_lung_in_neither_has_no_scores() -> None:
    """A patient after pneumonectomy: the missing lung must neither raise nor lower a mean."""
    empty = slice(0, 0)
    found = compare(labels(left=empty), labels(left=empty))
    left = found.regions[1]
    assert all(math.isnan(each) for each in (left.dsc, left.hd95_mm, left.surface_dsc_2mm, left.difference_percent))
    assert found.whole.dsc == 1 and codes(found) == ["in-neither"]


def test_two_empty_label_maps_are_compared_without_failing() -> None:
    empty = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    found = compare(empty, empty)
    assert math.isnan(found.whole.dsc) and found.whole.accuracy == 1 and found.whole.slices_from_worst() == []


def test_lungs_without_a_common_voxel() -> None:
    found = compare(labels(right=slice(0, 0)), labels(left=slice(0, 0)))
    assert "no-overlap" in codes(found) and found.whole.dsc == 0


def test_lung_in_one_slice_of_many_still_has_a_top_and_a_bottom() -> None:
    """Cropped to its own slice it would be taken for a scan of a single slice."""
    thin, thick = np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8)
    thin[3, 2:8, 1:5] = thick[3, 2:8, 1:5] = 1
    thin[3, 4:6, 2:4] = 0
    assert compare(Volume(thin, GRID), Volume(thick, GRID)).whole.hd_mm == pytest.approx(2)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full(GRID.shape, -1000, np.int16), "prediction contains the value.* -1000;.* Is it an image"),
        (np.full(GRID.shape, 3, np.uint8), "contains the value.* 3; expected 0 .background., 1 .right lung."),
        (np.zeros(GRID.shape, np.float32), "prediction contains float32 values"),
    ],
)
def test_what_is_no_label_map_is_refused(array: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        compare(Volume(array, GRID), labels())
