"""What the network sees lies where it should, is the same for every storage of a scan, and finds the way back."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest

from LungUNetSegLib.config import from_json, to_json
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.metrics import count
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.preprocessing import (
    NetworkGrid,
    PreprocessConfig,
    neighbour_step,
    normalise,
    place_grid,
    prepare,
    slices_seen,
)
from LungUNetSegLib.segmentation.probabilities import hard_labels
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume
from LungUNetSegLib.volume.resample import align

SMALL = PreprocessConfig(spacing_mm=5.0, size=(80, 88))


def there_and_back(scan: Volume, labels: Volume, config: PreprocessConfig) -> Volume:
    """Labels through the network's grid as an ideal network would return them."""
    prepared = prepare(scan, config)
    sides = []
    for side in (1, 2):
        aligned = align(Volume((labels.array == side).astype(np.float32), labels.geometry), 0).array
        sides.append(np.rint(prepared.grid.sample(aligned, 0) * 255))
    return prepared.restore(np.stack(sides, axis=1).astype(np.uint8), partial(hard_labels, threshold=255 / 2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"spacing_mm": 0.0},
        {"spacing_mm": 50.0},
        {"size": (8, 64)},
        {"window_hu": (400.0, -1000.0)},
        {"context_mm": -1.0},
        {"context_mm": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        PreprocessConfig(**wrong)


def test_settings_survive_json() -> None:
    assert from_json(PreprocessConfig, to_json(SMALL)) == SMALL


def test_window_by_hand() -> None:
    """-1000 to 400 HU become -1 to 1; 0 is in the middle at -300."""
    hu = np.array([-1024, -1000, -300, 50, 400, 3000], np.int16)
    assert np.allclose(normalise(hu, PreprocessConfig()), [-1, -1, 0, 0.5, 1, 1])
    assert normalise(hu, PreprocessConfig()).dtype == np.float32
    assert hu[0] == -1024, "the scan itself is left as it is"


@pytest.mark.parametrize(
    ("slice_mm", "first", "middle"),
    [(2.5, [0, 0, 3], [2, 5, 8]), (5.0, [0, 0, 1], [4, 5, 6]), (10.0, [0, 0, 1], [4, 5, 6]), (15.0, [0] * 3, [5] * 3)],
)
def test_neighbours_lie_7_mm_away_by_hand(slice_mm: float, first: list[int], middle: list[int]) -> None:
    """Ten slices; beyond the ends the last is repeated, and no neighbour is further than twice the distance."""
    seen = slices_seen(10, slice_mm, PreprocessConfig(context_mm=7.0))
    assert seen[0].tolist() == first
    assert seen[5].tolist() == middle
    assert seen[9].tolist() == [9 - middle[1] + middle[0], 9, 9]


@pytest.mark.parametrize(("slice_mm", "step"), [(2.8, 3), (2.0, 4), (14.0, 1), (14.1, 0)])
def test_a_spacing_s_rounding_does_not_choose_the_neighbours(slice_mm: float, step: int) -> None:
    """NIfTI keeps it in 32 bits and DICOM as text: one scan must not give two masks."""
    config = PreprocessConfig(context_mm=7.0)
    rounded = float(np.float32(slice_mm))
    assert [neighbour_step(each, config) for each in (slice_mm, rounded, slice_mm * (1 + 1e-8))] == [step] * 3


def test_without_context_each_slice_is_seen_alone() -> None:
    assert slices_seen(3, 2.5, PreprocessConfig()).tolist() == [[0], [1], [2]]
    assert slices_seen(1, 2.5, PreprocessConfig(context_mm=7.0)).tolist() == [[0, 0, 0]]


def test_all_48_storages_give_the_network_the_same_slices() -> None:
    base = make_phantom(phantom_geometry((10, 32, 36)), rng=1)
    aligned, grid = place_grid(base.ct, SMALL)
    expected = grid.sample(aligned.array, AIR_HU)
    assert expected.shape == (10, 80, 88)
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            geometry = base.ct.geometry.reordered(axes, flips)
            steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
            stored = Volume(base.ct.array.transpose(axes)[steps], geometry)
            labels = Volume(base.labels.array.transpose(axes)[steps], geometry)
            aligned, grid = place_grid(stored, SMALL)
            assert np.allclose(grid.sample(aligned.array, AIR_HU), expected, atol=1e-3)
            restored = Volume(np.zeros(labels.array.shape, np.uint8), geometry)
            restored.canonical().array[:] = labels.canonical().array
            assert np.array_equal(restored.array, labels.array)


@pytest.mark.parametrize(
    ("how", "least"),
    [
        ({}, 0.97),
        ({"flips": (True, False, True)}, 0.97),
        ({"axes": (1, 2, 0)}, 0.97),
        ({"oblique_degrees": 4.0}, 0.97),
        ({"oblique_degrees": 25.0}, 0.95),
    ],
)
def test_labels_come_back_onto_any_scan(how: dict, least: float) -> None:
    phantom = make_phantom(phantom_geometry((60, 96, 96), **how), rng=1)
    back = there_and_back(phantom.ct, phantom.labels, PreprocessConfig(spacing_mm=3.0, size=(112, 136)))
    assert back.geometry is phantom.ct.geometry
    for label in (1, 2):
        assert count(back.array == label, phantom.labels.array == label).dsc > least


def test_the_way_back_is_exact_where_the_grids_agree() -> None:
    """Pixels of the network's own size and place: what comes out is what went in."""
    scan = Geometry.axial((3, 80, 88), (4.0, 5.0, 5.0))
    grid = NetworkGrid(scan, scan, SMALL, (0.0, 0.0))
    values = np.random.default_rng(0).random((3, 80, 88), np.float32)
    assert np.allclose(grid.sample(values, 0), values)
    restored, rows, columns = grid.unsample(values, np.ones(SMALL.size, np.bool_))
    assert np.allclose(restored, values) and (rows, columns) == (slice(0, 80), slice(0, 88))


def test_a_part_is_restored_as_in_the_whole() -> None:
    """Protects the speed-up for lungs, which fill a part of a slice: bit for bit what the whole slice gives there."""
    scan = Geometry.axial((3, 200, 190), (4.0, 1.7, 1.9))
    grid = NetworkGrid(scan, scan, SMALL, (-20.0, -30.0))
    values = np.random.default_rng(0).random((3, 80, 88), np.float32)
    whole, all_rows, all_columns = grid.unsample(values, np.ones(SMALL.size, np.bool_))
    wanted = np.zeros(SMALL.size, np.bool_)
    wanted[30, 20:41] = wanted[35, 25] = True
    part, rows, columns = grid.unsample(values, wanted)
    inner = slice(rows.start - all_rows.start, rows.stop - all_rows.start)
    across = slice(columns.start - all_columns.start, columns.stop - all_columns.start)
    np.testing.assert_array_equal(part, whole[:, inner, across])
    only = np.where(wanted, values, 0)
    outside = grid.unsample(only, np.ones(SMALL.size, np.bool_))[0]
    outside[:, inner, across] = 0
    assert not outside.any(), "nothing else depends on the wanted pixels"


def test_rounded_spacings_place_the_same_grid() -> None:
    """Protects scans of 0.8 mm pixels: from DICOM and from NIfTI, with a computed spacing, the grid lay elsewhere."""
    body = make_phantom(phantom_geometry((8, 300, 300)), rng=1).ct.array
    places = []
    for factor in (1 - 1e-7, 1, 1 + 1e-7):
        geometry = Geometry.axial(body.shape, (4.0 * factor, 0.8 * factor, 0.8 * factor))
        places.append(place_grid(Volume(body, geometry), SMALL)[1].start_mm)
    np.testing.assert_allclose(places, [places[1]] * 3, atol=1e-3)


@pytest.mark.parametrize("spacing_mm", [0.7, 1.5, 3.1])
def test_slices_lie_where_the_grid_says(spacing_mm: float) -> None:
    """Sampling a scan's own coordinates gives the coordinates of the network's grid."""
    scan = Geometry.axial((2, 60, 70), (5.0, spacing_mm, spacing_mm), (-40.0, 20.0, 7.0))
    grid = NetworkGrid(scan, scan, PreprocessConfig(spacing_mm=1.5, size=(40, 48)), (3.3, -4.4))
    places = scan.to_lps(np.moveaxis(np.indices(scan.shape), 0, -1))
    wanted = grid.geometry.to_lps(np.moveaxis(np.indices(grid.geometry.shape), 0, -1))
    inner = (slice(None), slice(4, 22), slice(8, 20))
    for axis in (0, 1):
        seen = grid.sample(places[..., axis], 0)
        assert np.abs(seen - wanted[..., axis])[inner].max() < 0.35 * min(spacing_mm, 1.5)
    assert np.allclose(wanted[:, 0, 0, 2], [7.0, 12.0]), "slices keep their own places"


def test_outside_the_scan_there_is_air() -> None:
    scan = Geometry.axial((1, 20, 20), (5.0, 5.0, 5.0))
    grid = NetworkGrid(scan, scan, SMALL, (-100.0, -100.0))
    seen = grid.sample(np.full((1, 20, 20), 40, np.int16), AIR_HU)
    assert seen[0, 0, 0] == AIR_HU
    assert seen[0, 20:40, 20:40] == pytest.approx(40)
    assert seen[0, 60:, :] == pytest.approx(AIR_HU)


def test_the_grid_is_centred_on_the_body() -> None:
    """A patient lying off the middle of the field of view stays in the network's view."""
    array = np.full((4, 100, 120), AIR_HU, np.int16)
    array[:, 60:80, 10:40] = 0
    _, grid = place_grid(Volume(array, Geometry.axial((4, 100, 120), (5.0, 3.0, 3.0))), SMALL)
    middle = grid.geometry.to_lps((0, 39.5, 43.5))
    assert middle[:2] == pytest.approx([24.5 * 3, 69.5 * 3], abs=6.0)


def test_a_scan_of_air_is_centred_on_itself() -> None:
    volume = Volume(np.full((4, 100, 120), AIR_HU, np.int16), Geometry.axial((4, 100, 120), (5.0, 3.0, 3.0)))
    _, grid = place_grid(volume, SMALL)
    assert grid.geometry.to_lps((0, 39.5, 43.5))[:2] == pytest.approx([59.5 * 3, 49.5 * 3])


def test_an_oblique_scan_is_aligned_with_the_body_and_loses_nothing() -> None:
    scan = make_phantom(phantom_geometry((30, 48, 48), oblique_degrees=30, flips=(True, False, True)), rng=1).ct
    aligned = align(scan, AIR_HU)
    assert aligned.geometry.obliquity_degrees == 0.0
    low, high = aligned.geometry.corners_lps().min(axis=0), aligned.geometry.corners_lps().max(axis=0)
    corners = scan.geometry.corners_lps()
    assert (corners >= low - 1e-6).all()
    assert (corners <= high + 1e-6).all()
    small_tilt = make_phantom(phantom_geometry((10, 24, 24), oblique_degrees=3), rng=1).ct
    assert np.shares_memory(align(small_tilt, AIR_HU).array, small_tilt.array), "a slight tilt is left as it is"


def test_restoring_axes_undoes_the_alignment(small_phantom) -> None:
    stored = small_phantom.ct.geometry.reordered((2, 0, 1), (False, True, True))
    array = small_phantom.ct.array.transpose(2, 0, 1)[:, ::-1, ::-1]
    restored = Volume(np.zeros_like(array), stored)
    restored.canonical().array[:] = Volume(array, stored).canonical().array
    assert np.array_equal(restored.array, array)
