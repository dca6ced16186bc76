"""Repairs from scribbles: what is filled, moved and restored, and what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.segmentation.repair import REACH_MM, fill_lung, move_to_other_lung, restore_network
from LungUNetSegLib.volume import Geometry, Volume

SHAPE = (12, 60, 80)
GEOMETRY = Geometry.axial(SHAPE, (3.0, 1.5, 1.5))
TUMOUR = (slice(3, 9), slice(22, 38), slice(10, 22))


def volume(array: np.ndarray) -> Volume:
    return Volume(array, GEOMETRY)


@pytest.fixture
def truth() -> np.ndarray:
    """Two lungs that touch in front, the right one with a tumour at the chest wall."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:10, 10:50, 10:38], labels[2:10, 10:50, 42:70] = 1, 2
    labels[2:10, 10:14, 38:40], labels[2:10, 10:14, 40:42] = 1, 2
    return labels


@pytest.fixture
def hu(truth: np.ndarray) -> np.ndarray:
    """Muscle, lungs with a line of pleura between them, the tumour, and fat and bone around."""
    hu = np.full(SHAPE, 40, np.int16)
    hu[:, 10:50, 5:8] = -100
    hu[truth > 0] = -850
    hu[TUMOUR] = 30
    hu[2:10, 10:14, 39:41] = -300
    return hu


@pytest.fixture
def found(truth: np.ndarray) -> np.ndarray:
    """What a network says that misses the tumour."""
    labels = truth.copy()
    labels[TUMOUR] = 0
    return labels


def scribble(*place: slice | int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[place] = True
    return mask


def test_a_tumour_is_filled_from_two_lines(hu: np.ndarray, truth: np.ndarray, found: np.ndarray) -> None:
    """Protects the filling up to the wall, and everything far from it; the fat in the wall is not filled."""
    marks = scribble(slice(4, 8, 3), slice(25, 35), 15)
    filled = fill_lung(volume(hu), volume(found), marks, 1).array
    assert (filled == 1)[TUMOUR].mean() > 0.9
    wrong = (filled == 1) & (truth != 1)
    assert wrong.sum() < 0.25 * (truth[TUMOUR] == 1).sum() and not wrong[:, :, :8].any()
    np.testing.assert_array_equal(filled == 2, found == 2)
    assert ((filled == found) | (filled == 1)).all()


def test_aerated_lung_is_filled_too(hu: np.ndarray, truth: np.ndarray) -> None:
    """Protects who repairs a hole in a healthy lung, whose HU are those of the air in the trachea."""
    labels = truth.copy()
    labels[4:7, 24:34, 24:34] = 0
    filled = fill_lung(volume(hu), volume(labels), scribble(5, slice(26, 32), 29), 1).array
    np.testing.assert_array_equal(filled[4:7, 24:34, 24:34], 1)


def test_the_other_lung_keeps_its_voxels(hu: np.ndarray, found: np.ndarray) -> None:
    """Protects right and left from overlapping: a scribble that runs into the left lung takes nothing from it."""
    marks = scribble(5, 30, slice(15, 60))
    filled = fill_lung(volume(hu), volume(found), marks, 1).array
    np.testing.assert_array_equal(filled == 2, found == 2)


def test_a_part_of_the_wrong_lung_moves_as_a_whole(hu: np.ndarray, truth: np.ndarray) -> None:
    labels = truth.copy()
    labels[4:6, 40:48, 60:68] = 1  # an island of the right lung in the left one
    moved = move_to_other_lung(volume(hu), volume(labels), scribble(4, 44, 64)).array
    np.testing.assert_array_equal(moved, truth)


def test_a_place_that_hangs_on_the_wrong_lung_moves_up_to_the_pleura(hu: np.ndarray, truth: np.ndarray) -> None:
    """Protects the line between lungs that touch: most of the left lung's tip comes back, and nothing far of it."""
    labels = truth.copy()
    tip = (slice(2, 10), slice(10, 14), slice(40, 46))
    labels[tip] = 1
    moved = move_to_other_lung(volume(hu), volume(labels), scribble(slice(3, 9, 2), slice(11, 13), slice(42, 44))).array
    assert (moved[tip] == 2).mean() > 0.8
    changed = moved != labels
    assert (moved[changed] == 2).all() and not changed[:, :, : 43 - int(REACH_MM / 1.5) - 2].any()
    assert (moved == 1)[truth == 1].mean() > 0.98


def test_only_the_changes_under_a_scribble_are_undone(truth: np.ndarray) -> None:
    labels = truth.copy()
    labels[3, 20:25, 20:25] = 0
    labels[8, 20:25, 50:55] = 1
    restored = restore_network(volume(labels), volume(truth), scribble(3, 22, 22)).array
    expected = truth.copy()
    expected[8, 20:25, 50:55] = 1
    np.testing.assert_array_equal(restored, expected)


def test_without_a_scribble_where_it_matters_it_is_told(hu: np.ndarray, truth: np.ndarray) -> None:
    scan, labels, nothing = volume(hu), volume(truth), np.zeros(SHAPE, bool)
    in_lung, outside = scribble(5, 30, 20), scribble(0, 0, 0)
    for marks in (nothing, in_lung):
        with pytest.raises(DataError, match="Mark what is missing"):
            fill_lung(scan, labels, marks, 1)
    for marks in (nothing, outside):
        with pytest.raises(DataError, match="Mark the place"):
            move_to_other_lung(scan, labels, marks)
        with pytest.raises(DataError, match="Nothing is to be restored"):
            restore_network(labels, labels, marks)
    changed = truth.copy()
    changed[3, 20, 20] = 0
    with pytest.raises(DataError, match="Nothing is to be restored"):
        restore_network(volume(changed), labels, outside)


def test_a_network_s_mask_of_another_grid_is_told(truth: np.ndarray) -> None:
    """Protects a CT that was replaced by one with another number of slices."""
    before = Volume(truth[1:], Geometry.axial(truth[1:].shape))
    with pytest.raises(GeometryError, match="another grid than the CT"):
        restore_network(volume(truth), before, scribble(slice(None)))
