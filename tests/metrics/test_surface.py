"""Surface distances: shapes worked out by hand, the rules for empty masks and borders, and others' code."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
import surface_distance as published

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.metrics import surface_distances

SPACING_MM = (2.5, 0.7, 0.8)


def box(*ranges: slice, shape: tuple[int, int, int] = (9, 9, 9)) -> Mask:
    mask = np.zeros(shape, bool)
    mask[ranges] = True
    return mask


def ellipsoid(centre_mm: tuple[float, float, float], radii_mm: tuple[float, float, float]) -> Mask:
    """An ellipsoid on a grid of 24 x 80 x 70 voxels with thick slices."""
    z, y, x = np.ogrid[:24, :80, :70]
    offset = [
        (axis * each - middle) / radius
        for axis, each, middle, radius in zip((z, y, x), SPACING_MM, centre_mm, radii_mm, strict=True)
    ]
    return sum(each**2 for each in offset) <= 1


def lungs() -> tuple[Mask, Mask]:
    """A prediction and a reference that differ by some mm here and not at all there."""
    reference = ellipsoid((30, 28, 28), (22, 20, 15))
    prediction = ellipsoid((31, 29, 28), (21, 19, 17)) & ~ellipsoid((30, 45, 28), (6, 6, 6))
    return prediction, reference


def test_equal_masks_are_no_distance_apart() -> None:
    mask = ellipsoid((30, 28, 28), (22, 20, 15))
    found = surface_distances(mask, mask, SPACING_MM)
    assert found.hd_mm == found.hd95_mm == found.mean_mm == 0 and found.surface_dsc(0) == 1


def test_two_voxels_are_their_centres_distance_apart() -> None:
    one, other = box(slice(1, 2), slice(1, 2), slice(1, 2)), box(slice(2, 3), slice(3, 4), slice(4, 5))
    found = surface_distances(one, other, (2.0, 1.0, 0.5))
    assert found.hd_mm == found.hd95_mm == found.mean_mm == pytest.approx(math.sqrt(2**2 + 2**2 + 1.5**2))


def test_cube_within_cube_by_hand() -> None:
    """Edge 3 in edge 5, 1 mm voxels: every face is 1 mm off, the outer edges sqrt(2), the outer corners sqrt(3)."""
    inner, outer = box(*(slice(3, 6),) * 3), box(*(slice(2, 7),) * 3)
    found = surface_distances(inner, outer, (1, 1, 1))
    edge, corner = math.sqrt(2), math.sqrt(3)  # also the areas of an edge's and a corner's element
    inner_mm2 = 6 + 12 * edge + 8 * corner
    outer_mm2 = 54 + 36 * edge + 8 * corner
    assert found.prediction_mm2.sum() == pytest.approx(inner_mm2) and (found.prediction_mm == 1).all()
    assert found.reference_mm2.sum() == pytest.approx(outer_mm2)
    assert found.hd_mm == pytest.approx(corner)
    assert found.hd95_mm == pytest.approx(corner)  # 54 + 36 sqrt(2) is 88 % of the outer surface
    assert found.percentile_mm(85) == pytest.approx(edge)
    total = inner_mm2 + outer_mm2
    assert found.mean_mm == pytest.approx((inner_mm2 + 54 + 36 * 2 + 8 * 3) / total)
    assert found.surface_dsc(1) == pytest.approx((inner_mm2 + 54) / total)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.8)])
def test_elements_weigh_as_much_as_the_surface_they_stand_for(spacing_mm: tuple[float, float, float]) -> None:
    """A ball's faces have 1.5 times its area; its elements come as near to it as marching cubes do."""
    shape = [round(48 / each) for each in spacing_mm]
    offsets_mm = np.meshgrid(
        *((np.arange(n) + 0.5) * d - 24 for n, d in zip(shape, spacing_mm, strict=True)), indexing="ij"
    )
    ball = np.linalg.norm(offsets_mm, axis=0) <= 20
    found = surface_distances(ball, ball, spacing_mm)
    assert found.prediction_mm2.sum() == pytest.approx(4 * math.pi * 20**2, rel=0.16)


def test_directed_percentiles_are_not_pooled() -> None:
    """Pooling would let a long good surface hide a short bad one."""
    reference = box(slice(1, 2), slice(1, 3), slice(1, 3), shape=(3, 200, 4))
    prediction = box(slice(1, 2), slice(1, 190), slice(1, 3), shape=(3, 200, 4))
    found = surface_distances(prediction, reference, (1, 1, 1))
    assert found.hd95_mm == pytest.approx(178, abs=1)
    assert found.hd_mm == 187


def test_tolerance_holds_in_spite_of_rounding() -> None:
    one, other = box(slice(1, 2), slice(1, 2), slice(1, 2)), box(slice(1, 2), slice(1, 2), slice(6, 7))
    assert surface_distances(one, other, (1, 1, 0.4)).surface_dsc(2.0) == 1
    assert surface_distances(one, other, (1, 1, 0.41)).surface_dsc(2.0) == 0


def test_two_empty_masks_have_no_distance() -> None:
    empty = np.zeros((4, 5, 6), bool)
    found = surface_distances(empty, empty, SPACING_MM)
    assert all(math.isnan(each) for each in (found.hd_mm, found.hd95_mm, found.mean_mm, found.surface_dsc(2)))


@pytest.mark.parametrize("is_swapped", [False, True])
def test_one_empty_mask_is_infinitely_far(is_swapped: bool) -> None:
    pair = [np.zeros((9, 9, 9), bool), box(*(slice(3, 6),) * 3)]
    found = surface_distances(*(pair[::-1] if is_swapped else pair), SPACING_MM)
    assert found.hd_mm == found.hd95_mm == found.mean_mm == math.inf and found.surface_dsc(2) == 0


def test_beyond_the_border_lies_background() -> None:
    """Voxels 0 to 3 against 0 and 1 of a row of four: elements 0 and 3 against 0 and 1."""
    prediction, reference = box(shape=(4, 1, 1)), box(slice(0, 2), shape=(4, 1, 1))
    found = surface_distances(prediction, reference, (1, 1, 1))
    assert found.prediction_mm.tolist() == [0, 2] and found.reference_mm.tolist() == [0, 1]
    assert (found.hd_mm, found.mean_mm) == (2, 0.75)


def test_padding_changes_nothing() -> None:
    prediction, reference = lungs()
    tight, loose = (
        surface_distances(*masks, SPACING_MM)
        for masks in ((prediction, reference), (np.pad(prediction, 3), np.pad(reference, 3)))
    )
    assert (tight.hd_mm, tight.hd95_mm) == pytest.approx((loose.hd_mm, loose.hd95_mm))
    assert tight.mean_mm == pytest.approx(loose.mean_mm)


def test_single_slices_are_compared_by_contour() -> None:
    """Were the slice's two cut faces surface, the middle of either mask would be on the other's surface."""
    inner, outer = (
        box(slice(0, 1), slice(3, 6), slice(3, 6), shape=(1, 9, 9)),
        box(slice(0, 1), slice(2, 7), slice(2, 7), shape=(1, 9, 9)),
    )
    found = surface_distances(inner, outer, (5, 1, 1))
    assert len(found.prediction_mm) == 8 and len(found.reference_mm) == 16
    assert found.hd_mm == pytest.approx(math.sqrt(2)) and found.prediction_mm.tolist() == [1] * 8


def test_rotated_grid_measures_the_same() -> None:
    prediction, reference = lungs()
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    straight = surface_distances(prediction, reference, SPACING_MM)
    oblique = surface_distances(prediction, reference, rotation * SPACING_MM)
    np.testing.assert_allclose(oblique.prediction_mm, straight.prediction_mm, atol=1e-9)
    assert oblique.mean_mm == pytest.approx(straight.mean_mm)


def test_sheared_grid_measures_in_space() -> None:
    """A tilted gantry: one slice up is also 1 mm back."""
    steps_mm = np.array([[0, 0, 1], [1, 1, 0], [2, 0, 0]], float)  # columns: slice, row, column
    one, other = box(slice(1, 2), slice(1, 2), slice(1, 2)), box(slice(3, 4), slice(1, 2), slice(1, 2))
    assert surface_distances(one, other, steps_mm).hd_mm == pytest.approx(math.hypot(4, 2))


def test_order_of_axes_does_not_matter() -> None:
    prediction, reference = lungs()
    here = surface_distances(prediction, reference, SPACING_MM)
    there = surface_distances(
        prediction.transpose(2, 0, 1)[::-1], reference.transpose(2, 0, 1)[::-1], np.array(SPACING_MM)[[2, 0, 1]]
    )
    assert (here.hd95_mm, here.surface_dsc(2)) == pytest.approx((there.hd95_mm, there.surface_dsc(2)))
    assert here.mean_mm == pytest.approx(there.mean_mm)


def test_every_distance_agrees_with_simpleitk() -> None:
    """Contour voxels and Maurer's exact distance map, as SimpleITK's own tutorial measures."""
    prediction, reference = lungs()
    found = surface_distances(prediction, reference, SPACING_MM)
    contours = []
    for mask in (prediction, reference):
        image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
        image.SetSpacing(SPACING_MM[::-1])
        contours.append(sitk.LabelContour(image, fullyConnected=False))
    to_reference = sitk.SignedMaurerDistanceMap(contours[1], squaredDistance=False, useImageSpacing=True)
    expected = np.abs(sitk.GetArrayFromImage(to_reference))[sitk.GetArrayFromImage(contours[0]) > 0]
    np.testing.assert_allclose(found.prediction_mm, expected, atol=1e-5)


@pytest.mark.parametrize("is_bitten", [False, True])
def test_hausdorff_distance_agrees_with_simpleitk(is_bitten: bool) -> None:
    """SimpleITK measures from region to region: what lies inside the other mask is no distance from it.

    Only a bite out of a mask shows it: its bottom lies deep inside the other.
    """
    prediction, reference = ellipsoid((31, 29, 28), (21, 19, 17)), ellipsoid((30, 28, 28), (22, 20, 15))
    if is_bitten:
        prediction &= ~ellipsoid((30, 45, 28), (6, 6, 6))
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (prediction, reference)]
    for image in images:
        image.SetSpacing(SPACING_MM[::-1])
    theirs = sitk.HausdorffDistanceImageFilter()
    theirs.Execute(*images)
    ours_mm, theirs_mm = surface_distances(prediction, reference, SPACING_MM).hd_mm, theirs.GetHausdorffDistance()
    assert theirs_mm < ours_mm if is_bitten else ours_mm == pytest.approx(theirs_mm)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # the package's imports
def test_published_package_agrees_up_to_its_lattice() -> None:
    """`surface-distance` puts elements on voxel corners, where touching surfaces meet: its mean is the smaller."""
    prediction, reference = lungs()
    found = surface_distances(prediction, reference, SPACING_MM)
    theirs = published.compute_surface_distances(reference, prediction, SPACING_MM)
    assert found.hd_mm == pytest.approx(published.compute_robust_hausdorff(theirs, 100), abs=max(SPACING_MM) / 2)
    assert found.hd95_mm == pytest.approx(published.compute_robust_hausdorff(theirs, 95), abs=max(SPACING_MM) / 2)
    for ours_mm2, theirs_mm2 in (
        (found.prediction_mm2, theirs["surfel_areas_pred"]),
        (found.reference_mm2, theirs["surfel_areas_gt"]),
    ):
        assert ours_mm2.sum() == pytest.approx(theirs_mm2.sum(), rel=0.03)
    assert found.surface_dsc(2) == pytest.approx(published.compute_surface_dice_at_tolerance(theirs, 2), abs=0.05)
    their_mean = np.mean(published.compute_average_surface_distance(theirs))
    assert their_mean <= found.mean_mm <= their_mean + min(SPACING_MM) / 2


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # the package's imports
def test_published_package_agrees_exactly_on_parallel_surfaces() -> None:
    """Plates that are moved against each other: no lattice effect, one distance everywhere but at the rims."""
    lower, upper = box(slice(2, 4), shape=(12, 30, 30)), box(slice(5, 7), shape=(12, 30, 30))
    theirs = published.compute_surface_distances(lower, upper, SPACING_MM)
    found = surface_distances(upper, lower, SPACING_MM)
    assert found.hd_mm == pytest.approx(published.compute_robust_hausdorff(theirs, 100)) == 3 * SPACING_MM[0]


@pytest.mark.parametrize(
    ("prediction", "reference", "words"),
    [
        (np.zeros((3, 3, 3), np.uint8), np.zeros((3, 3, 3), bool), "prediction must be a 3D bool mask, got 3D uint8"),
        (np.zeros((3, 3, 3), bool), np.zeros((3, 3), bool), "reference must be a 3D bool mask, got 2D bool"),
        (np.zeros((3, 3, 3), bool), np.zeros((3, 3, 4), bool), "must have the same shape"),
    ],
)
def test_what_is_no_pair_of_masks_is_refused(prediction: Mask, reference: Mask, words: str) -> None:
    with pytest.raises(DataError, match=words):
        surface_distances(prediction, reference, SPACING_MM)
