"""Grids of any order of axes, flip, obliquity and spacing: what goes there comes back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_volumes import QUICK, geometries, label_maps

from LungUNetSegLib.preprocessing import PreprocessConfig, prepare
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import from_sitk, resample, to_sitk


@QUICK
@given(geometries(), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_an_index_goes_to_the_patient_and_back(geometry: Geometry, index: list[float]) -> None:
    np.testing.assert_allclose(geometry.to_index(geometry.to_lps(index)), index, atol=1e-6)


@QUICK
@given(label_maps())
def test_canonical_axes_move_no_voxel_and_go_back(volume: Volume) -> None:
    """Each voxel keeps its place in the patient; slices run to the head, rows to the back, columns to the left."""
    canonical = volume.canonical()
    for value in (1, 2):
        ours, theirs = (each.geometry.to_lps(np.argwhere(each.array == value)) for each in (volume, canonical))
        order = [np.lexsort(np.round(points, 4).T) for points in (ours, theirs)]
        np.testing.assert_allclose(ours[order[0]], theirs[order[1]], atol=1e-3)
    strength = canonical.geometry.directions[(2, 1, 0), (0, 1, 2)]
    assert (strength >= 0).all() or abs(strength.min()) < 1e-9
    restored = Volume(np.zeros_like(volume.array), volume.geometry)
    restored.canonical().array[:] = canonical.array
    np.testing.assert_array_equal(restored.array, volume.array)


@QUICK
@given(geometries(), st.permutations(range(3)), st.lists(st.booleans(), min_size=3, max_size=3))
def test_axes_that_are_reordered_and_flipped_go_back(geometry: Geometry, order: list[int], flips: list[bool]) -> None:
    axes = (order[0], order[1], order[2])
    moved = geometry.reordered(axes, (flips[0], flips[1], flips[2]))
    back = [int(each) for each in np.argsort(order)]
    undone = [flips[axis] for axis in back]
    again = moved.reordered((back[0], back[1], back[2]), (undone[0], undone[1], undone[2]))
    assert again.matches(geometry, 1e-6)
    np.testing.assert_allclose(sorted(moved.spacing_mm), sorted(geometry.spacing_mm))


@QUICK
@given(label_maps())
def test_a_volume_goes_through_simpleitk(volume: Volume) -> None:
    again = from_sitk(to_sitk(volume))
    assert again.geometry.matches(volume.geometry)
    np.testing.assert_array_equal(again.array, volume.array)


@QUICK
@given(label_maps())
def test_labels_resampled_onto_the_same_grid_in_another_order_stay(volume: Volume) -> None:
    """The same voxels, reached through another order of axes: nearest neighbours are the voxels themselves."""
    canonical = volume.canonical()
    moved = resample(volume, canonical.geometry, "nearest")
    np.testing.assert_array_equal(moved.array, canonical.array)


@settings(QUICK, max_examples=12)
@given(geometries(least=6, most=12, oblique=False, spacing_mm=(1.0, 8.0)))
def test_a_block_on_the_network_s_grid_comes_back_to_the_scan(geometry: Geometry) -> None:
    """On a fine network grid that holds the whole scan, a block of lung in its middle comes back voxel for voxel."""
    labels = np.zeros(geometry.shape, np.uint8)
    labels[tuple(slice(2, size - 2) for size in geometry.shape)] = 1
    config = PreprocessConfig(spacing_mm=0.25, size=(400, 400))
    scan = prepare(Volume(np.where(labels > 0, -800, 50).astype(np.int16), geometry), config)
    aligned = Volume(labels, geometry).canonical().array
    planes = np.rint(255 * scan.grid.sample(aligned, 0.0)).astype(np.uint8)
    back = scan.restore(planes[:, None], lambda values: (values[:, 0] >= 255 / 2).astype(np.uint8))
    assert back.geometry.matches(geometry)
    np.testing.assert_array_equal(back.array, labels)
