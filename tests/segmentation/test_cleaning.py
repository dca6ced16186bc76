"""Cleaning: good slices stay, sides are mended, holes close. Small lungs drawn by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest
from drawn_lungs import LEFT, RIGHT, SPACING_MM, VOXEL_ML, clean, sides, two_lungs

from LungUNetSegLib.segmentation.cleaning import Cleaning
from LungUNetSegLib.segmentation.probabilities import hard_labels


def test_hard_labels_take_the_larger_from_one_half_on() -> None:
    """Protects what a voxel is called: by hand, in both kinds of numbers."""
    right, left = [127, 128, 128, 200, 200, 0], [0, 0, 128, 199, 201, 255]
    scaled = np.array([right, left], np.uint8)[:, None]
    assert hard_labels(scaled).tolist() == [[0, 1, 1, 1, 2, 2]]
    exact = np.array([[127.4, 127.5, 127.5], [0, 0, 127.6]], np.float32)[:, None]
    assert hard_labels(exact, 127.5).tolist() == [[0, 1, 2]]


def test_clean_lungs_are_left_alone() -> None:
    """Protects every good result."""
    world = two_lungs()
    world[:, :, 9] = 100  # doubt around the lungs is no lung, and is kept too
    result, cleaning = clean(world, SPACING_MM)
    np.testing.assert_array_equal(result, world)
    assert cleaning == Cleaning()


def test_nothing_found_is_nothing_cleaned() -> None:
    """Protects the scan without lung."""
    empty = np.full((4, 2, 16, 16), 90, np.uint8)
    result, cleaning = clean(empty, SPACING_MM)
    np.testing.assert_array_equal(result, empty)
    assert cleaning == Cleaning()


def test_air_in_a_head_is_no_lung_though_a_network_says_so() -> None:
    """Protects the scan without lung from sinuses of a few ml; a slab through a lung's tip may hold as little."""
    world = np.zeros((12, 2, 40, 60), np.uint8)
    world[4:6, RIGHT, 10:18, 20:28] = 255
    world[4:6, LEFT, 10:18, 32:40] = 255
    result, cleaning = clean(world, SPACING_MM)
    assert not hard_labels(result).any()
    assert cleaning.removed_ml == pytest.approx((128 * VOXEL_ML, 128 * VOXEL_ML))
    assert np.count_nonzero(sides(world[4:])) == np.count_nonzero(sides(world[:6])) == 256


def test_lungs_that_touch_stay_two_and_whole() -> None:
    """Protects the anterior junction: components of both sides together would be one, and its rest the largest."""
    world = two_lungs()
    world[4:8, RIGHT, 10:14, 24:30] = 255
    world[4:8, LEFT, 10:14, 30:36] = 255
    np.testing.assert_array_equal(sides(world), hard_labels(world))


def test_lungs_named_the_wrong_way_round_are_exchanged() -> None:
    """Protects the sides as a whole: right is where the patient's right is."""
    world = two_lungs()
    result, cleaning = clean(np.ascontiguousarray(world[:, ::-1]), SPACING_MM)
    np.testing.assert_array_equal(result, world)
    assert cleaning.sides_swapped


def test_a_hole_of_any_size_is_closed_and_the_other_side_in_it_goes() -> None:
    """Protects tumours and vessels within a lung."""
    world = two_lungs()
    expected = sides(world)
    world[3:9, :, 12:28, 12:22] = 0  # a large mass, all around which is lung
    world[5, LEFT, 15:17, 15:17] = 255
    result, cleaning = clean(world, SPACING_MM)
    np.testing.assert_array_equal(hard_labels(result), expected)
    assert cleaning.filled_ml == pytest.approx(6 * 16 * 10 * VOXEL_ML)


def test_what_is_open_to_the_outside_is_no_hole() -> None:
    """Protects the heart's place, and the diaphragm's dome, a ring in the last slice of a scan cut there."""
    world = two_lungs()
    world[8:, RIGHT, 14:26, 14:20] = 0
    world[11, RIGHT, 10:30, 10:24] = 255
    world[11, RIGHT, 14:26, 14:20] = 0
    np.testing.assert_array_equal(sides(world), hard_labels(world))


def test_a_single_slice_is_cleaned_in_two_dimensions() -> None:
    """Protects single slices: parts, holes and stray air."""
    world = two_lungs()[5:6]
    expected = sides(world)
    world[0, RIGHT, 15:20, 14:18] = 0  # a hole
    world[0, LEFT, 35:37, 5:8] = 255  # stray
    np.testing.assert_array_equal(sides(world), expected)
    world[0, RIGHT, 19] = 0  # a lung in two pieces
    np.testing.assert_array_equal(sides(world)[0, 19], hard_labels(world)[0, 19])


def test_one_channel_for_both_lungs_is_cleaned_alike() -> None:
    """Protects models that do not tell the sides: both lungs stay, stray air goes."""
    world = two_lungs()
    both = np.zeros_like(world)
    both[:, 0] = world.max(axis=1)
    expected = hard_labels(both)
    both[5, 0, 2:5, 2:5] = 255
    np.testing.assert_array_equal(sides(both), expected)


def test_noise_is_survived_quickly() -> None:
    """Protects from a network that fails: tens of thousands of specks are no reason to wait."""
    world = np.kron(two_lungs(), np.ones((5, 1, 5, 5), np.uint8))
    noise = np.random.default_rng(0).random(world.shape) < 0.002
    started = time.process_time()
    result, cleaning = clean(np.where(noise, np.uint8(200), world), SPACING_MM)
    assert time.process_time() - started < 5
    assert len(cleaning.removed_ml) > 10_000
    assert (hard_labels(result) != hard_labels(world)).mean() < 0.001


@pytest.mark.parametrize(("pixels", "is_closed"), [(7, True), (8, False)], ids=["441 mm2", "576 mm2"])
@pytest.mark.parametrize("slices", [1, 2])
def test_in_slices_by_themselves_a_large_hole_stays(pixels: int, is_closed: bool, slices: int) -> None:
    """Protects the dome of the liver, which one slice shows as a disc with lung around it."""
    world = two_lungs()[5 : 5 + slices]
    world[:, RIGHT, 15 : 15 + pixels, 13 : 13 + pixels] = 0
    assert (sides(world)[0, 18, 16] == 1) == is_closed


def test_between_other_slices_a_large_hole_is_closed() -> None:
    """Protects a tumour within a lung, over which the lung closes above and below."""
    world = two_lungs()
    world[4:7, RIGHT, 14:26, 12:22] = 0
    assert (sides(world)[5, 10:30, 10:24] == 1).all()
