"""Resampling moves nothing: places, values and labels stay where and what they were."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.phantom import Phantom, phantom_geometry
from LungUNetSegLib.preprocessing.interpolation import interpolation_matrix
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import SLAB_SLICES, from_sitk, orthogonal, resample, to_sitk


def ramp(geometry: Geometry, scale: float = 1.0) -> Volume:
    """A field that is linear in space: 2x - 3y + z."""
    grid = np.moveaxis(np.indices(geometry.shape), 0, -1)
    return Volume(scale * (geometry.to_lps(grid) @ np.array([2.0, -3.0, 1.0])), geometry)


def test_sitk_sees_each_voxel_at_the_same_place(oblique_phantom: Phantom) -> None:
    """ITK counts (column, row, slice) and lives in LPS as we do."""
    image = to_sitk(oblique_phantom.ct)
    for index in ((0, 0, 0), (3, 7, 11), (59, 127, 127)):
        assert np.allclose(image.TransformIndexToPhysicalPoint(index[::-1]), oblique_phantom.ct.geometry.to_lps(index))
        assert image.GetPixel(*index[::-1]) == oblique_phantom.ct.array[index]
    back = from_sitk(image)
    assert back.geometry.matches(oblique_phantom.ct.geometry)
    assert np.array_equal(back.array, oblique_phantom.ct.array)


def test_masks_and_views_pass_through_sitk() -> None:
    array = np.zeros((4, 5, 6), bool)
    array[1, 2, 3] = True
    volume = Volume(array[::-1, :, ::2], Geometry.axial((4, 5, 3)))
    assert not from_sitk(to_sitk(volume)).array.any()
    assert from_sitk(to_sitk(Volume(array, Geometry.axial((4, 5, 6))))).array.dtype == np.uint8


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_the_same_grid_gives_the_same_values(interpolation: str, small_phantom: Phantom) -> None:
    same = Geometry(small_phantom.ct.array.shape, small_phantom.ct.geometry.affine_lps)
    again = resample(small_phantom.ct, same, interpolation)
    assert np.array_equal(again.array, small_phantom.ct.array)
    flipped = small_phantom.ct.geometry.reordered((2, 0, 1), (True, False, True))
    turned = resample(small_phantom.ct, flipped, interpolation, -1024)
    assert np.array_equal(turned.canonical().array, small_phantom.ct.array)


def test_half_a_voxel_by_hand() -> None:
    """Values 0, 10, 21 at 0, 2, 4 mm, read every mm from -2 mm: outside is fill, between is the mean."""
    source = Volume(np.array([0, 10, 21], np.int16).reshape(1, 1, 3), Geometry.axial((1, 1, 3), (1, 1, 2)))
    target = Geometry.axial((1, 1, 8), (1, 1, 1), (-2.0, 0.0, 0.0))
    assert resample(source, target, "linear", -7).array.ravel().tolist() == [-7, 0, 0, 5, 10, 16, 21, -7]
    assert resample(source, target, "nearest", 9).array.ravel().tolist()[2::2] == [0, 10, 21]


def test_an_unknown_interpolation_is_refused(small_phantom: Phantom) -> None:
    """Protects from a slip in the word: whatever it was, the nearest voxel was taken."""
    with pytest.raises(ConfigError, match="linear or nearest, got 'cubic'"):
        resample(small_phantom.labels, small_phantom.ct.geometry, "cubic")


def test_integers_are_rounded_not_cut_off() -> None:
    """41.9 is 42; cutting decimals off would shift every scan by half a unit towards 0."""
    source = Volume(np.array([40, 50, -40, -50], np.int16).reshape(1, 1, 4), Geometry.axial((1, 1, 4)))
    target = Geometry.axial((1, 1, 3), origin_lps=(0.19, 0.0, 0.0))
    assert resample(source, target, "linear").array.ravel().tolist() == [42, 33, -42]


@pytest.mark.parametrize("how", [{"oblique_degrees": 30.0}, {"axes": (1, 2, 0), "flips": (True, True, False)}])
def test_linear_interpolation_keeps_a_linear_field(how: dict) -> None:
    """Over oblique and reordered grids, and over more slices than one slab."""
    source = ramp(phantom_geometry((40, 30, 50)))
    target = phantom_geometry((2 * SLAB_SLICES + 3, 20, 24), **how)
    seen = resample(source, target, "linear", np.nan)
    inside = np.isfinite(seen.array)
    assert inside.mean() > 0.5
    # Half a voxel beyond the outermost centres ITK repeats the edge.
    grid = source.geometry.to_index(target.to_lps(np.moveaxis(np.indices(target.shape), 0, -1)))
    inner = inside & (grid >= 0).all(axis=-1) & (grid <= np.array(source.array.shape) - 1).all(axis=-1)
    assert np.abs(seen.array - ramp(target).array)[inner].max() < 1e-3


def test_nearest_keeps_labels_and_types(phantom: Phantom) -> None:
    labels = resample(phantom.labels, phantom_geometry((33, 70, 90), oblique_degrees=10), "nearest")
    assert labels.array.dtype == np.uint8
    assert set(np.unique(labels.array)) == {0, 1, 2}
    for label in (1, 2):
        before = (phantom.labels.array == label).sum() * phantom.labels.geometry.voxel_volume_ml
        after = (labels.array == label).sum() * labels.geometry.voxel_volume_ml
        assert after == pytest.approx(before, rel=0.02)


def test_orthogonal_shifts_slices_of_a_tilted_scan_by_hand() -> None:
    """Each slice lies one row further back; on the straight grid it stands one row lower, unchanged."""
    affine = np.array(Geometry.axial((4, 5, 6), (3.0, 2.0, 1.0), (5.0, 6.0, 7.0)).affine_lps)
    affine[1, 0] = 2.0
    array = np.random.default_rng(0).integers(-500, 500, (4, 5, 6)).astype(np.int16)
    straight = orthogonal(Volume(array, Geometry((4, 5, 6), affine)), "linear", -1024)
    assert straight.geometry.is_orthogonal
    assert straight.geometry.spacing_mm == pytest.approx((3.0, 2.0, 1.0))
    assert straight.array.shape == (4, 8, 6)
    for index in range(4):
        assert np.array_equal(straight.array[index, index : index + 5], array[index])
        outside = np.delete(straight.array[index], np.arange(index, index + 5), axis=0)
        assert (outside == -1024).all()


def test_orthogonal_leaves_straight_scans_alone(oblique_phantom: Phantom) -> None:
    same = orthogonal(oblique_phantom.labels, "nearest", 0)
    assert same.geometry.matches(oblique_phantom.labels.geometry)
    assert np.array_equal(same.array, oblique_phantom.labels.array)


# One axis between two spacings


def test_interpolation_upwards_by_hand() -> None:
    """3 samples every 2 mm, read every mm: the samples, and their means between."""
    weights = interpolation_matrix(3, 2.0, 5, 1.0, 0.0)
    assert weights.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]]


def test_interpolation_downwards_by_hand() -> None:
    """5 samples every mm, read every 2 mm: a triangle of 1, 2, 1 quarters, what is left of it at the ends."""
    weights = interpolation_matrix(5, 1.0, 3, 2.0, 0.0)
    expected = [[2 / 3, 1 / 3, 0, 0, 0], [0, 0.25, 0.5, 0.25, 0], [0, 0, 0, 1 / 3, 2 / 3]]
    assert np.allclose(weights, expected)


def test_interpolation_ends_half_a_sample_outside() -> None:
    weights = interpolation_matrix(3, 2.0, 5, 1.0, -2.0)
    assert weights[0].tolist() == [0, 0, 0], "2 mm outside: nothing"
    assert weights[1].tolist() == [1, 0, 0], "1 mm outside: still within the first sample"
    assert weights[2].tolist() == [1, 0, 0]


@pytest.mark.parametrize(("source_mm", "target_mm"), [(0.7, 1.5), (1.5, 0.7), (0.98, 1.0), (1.0, 1.0)])
def test_interpolation_neither_adds_nor_loses(source_mm: float, target_mm: float) -> None:
    weights = interpolation_matrix(100, source_mm, 80, target_mm, -5.3)
    sums = weights.sum(axis=1)
    assert np.all(np.isclose(sums, 0) | np.isclose(sums, 1))
    assert weights.min() >= 0


def test_interpolation_onto_itself_is_the_identity() -> None:
    assert np.allclose(interpolation_matrix(7, 1.3, 7, 1.3, 0.0), np.eye(7), atol=1e-6)
