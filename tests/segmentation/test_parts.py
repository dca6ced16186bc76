"""Which parts of what a network found are lung, and of which: stray air, gas, pieces, the wrong name."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_lungs import LEFT, RIGHT, SPACING_MM, VOXEL_ML, clean, sides, two_lungs

from LungUNetSegLib.segmentation import cleaning as cleaning_module
from LungUNetSegLib.segmentation.masks import numbered_parts
from LungUNetSegLib.segmentation.probabilities import hard_labels


def test_stray_air_is_removed_and_counted() -> None:
    """Protects from trachea, bowel, gas under the skin: small parts apart from the lungs."""
    world = two_lungs()
    expected = sides(world)
    world[0:3, LEFT, 18:22, 28:32] = 255  # trachea, between the lungs
    world[5, RIGHT, 2:5, 2:5] = 180  # under the skin
    world[11, LEFT, 30:35, 36:45] = 255  # bowel below
    result, cleaning = clean(world, SPACING_MM)
    np.testing.assert_array_equal(hard_labels(result), expected)
    assert cleaning.removed_ml == pytest.approx((48 * VOXEL_ML, 45 * VOXEL_ML, 9 * VOXEL_ML))


@pytest.mark.parametrize(("median_hu", "is_lung"), [(-950, False), (-910, True), (-800, True)])
def test_gas_in_the_bowel_is_no_lung_however_much(median_hu: int, is_lung: bool) -> None:
    """Protects an abdomen with lung bases from 74 ml of colon: a part below its lung that holds gas, but not one of
    aerated lung below a consolidated band.
    """
    world = np.zeros((24, 2, 40, 60), np.uint8)
    world[12:-1, RIGHT, 10:30, 10:24] = world[12:-1, LEFT, 10:30, 36:50] = 255
    hu = np.where(world.any(axis=1), -850, 0).astype(np.int16)
    world[2:8, LEFT, 12:24, 38:48] = 255
    hu[2:8, 12:24, 38:48] = median_hu
    result = world.copy()
    cleaning = cleaning_module.clean(result, hu, SPACING_MM)
    assert bool(hard_labels(result)[:9].any()) is is_lung
    assert np.array_equal(hard_labels(result)[9:], hard_labels(world)[9:])
    assert cleaning.removed_ml == (() if is_lung else (pytest.approx(6 * 12 * 10 * VOXEL_ML),))


def test_a_bulla_beside_its_lung_stays() -> None:
    """Protects emphysema: as empty as gas, but not below the lung."""
    world = two_lungs()
    hu = np.where(world.any(axis=1), -850, 0).astype(np.int16)
    world[3:9, LEFT, 12:24, 52:58] = 255
    hu[3:9, 12:24, 52:58] = -980
    result = world.copy()
    cleaning_module.clean(result, hu, SPACING_MM)
    assert np.array_equal(result, world)


@pytest.mark.parametrize(("median_hu", "is_lung"), [(-930, False), (-910, True)])
def test_air_between_arm_and_neck_is_no_lung(median_hu: int, is_lung: bool) -> None:
    """Protects scans with raised arms from 33 to 56 ml of air beside the neck, which a round field of view closes off;
    but not an aerated apex above a consolidated band.
    """
    world = two_lungs(depth=24)
    world[14:, RIGHT] = 0
    hu = np.where(world.any(axis=1), -800, 0).astype(np.int16)
    world[18:22, RIGHT, 8:20, 2:12] = 255
    hu[18:22, 8:20, 2:12] = median_hu
    result = world.copy()
    cleaning = cleaning_module.clean(result, hu, SPACING_MM)
    assert bool(hard_labels(result)[18:22, :, :14].any()) is is_lung
    assert np.array_equal(hard_labels(result)[:18], hard_labels(world)[:18])
    assert cleaning.removed_ml == (() if is_lung else (pytest.approx(4 * 12 * 10 * VOXEL_ML),))


def test_gas_beside_the_last_crescent_of_a_lung_is_no_lung() -> None:
    """Protects from colon under the diaphragm, which reaches lower than the lung that runs down beside it."""
    world = np.zeros((24, 2, 40, 60), np.uint8)
    world[12:-1, RIGHT, 10:30, 10:24] = world[12:-1, LEFT, 10:30, 36:50] = 255
    hu = np.where(world.any(axis=1), -800, 0).astype(np.int16)
    world[6:14, LEFT, 12:24, 52:58] = 255
    hu[6:14, 12:24, 52:58] = -980
    result = world.copy()
    cleaning_module.clean(result, hu, SPACING_MM)
    assert not hard_labels(result)[:, :, 51:].any() and np.array_equal(result[..., :51], world[..., :51])


def test_gas_in_the_oesophagus_is_no_lung_though_it_is_as_long() -> None:
    """Protects from a thin part all along the spine, between the lungs, whose side the network changes on its way."""
    world = two_lungs(depth=60)
    expected = sides(world)
    world[:25, RIGHT, 26:28, 28:31] = world[25:, LEFT, 26:28, 28:31] = 255
    np.testing.assert_array_equal(sides(world), expected)


def test_the_last_crescent_of_a_lung_in_a_single_slice_stays() -> None:
    """Protects the lung's very end from being taken for stray air: 54 mm2 here."""
    world = np.zeros((1, 2, 40, 60), np.uint8)
    world[0, RIGHT, 20:23, 10:12] = 235
    np.testing.assert_array_equal(sides(world), hard_labels(world))


def test_a_small_part_that_is_half_believed_is_no_lung_however_alone() -> None:
    """Protects slices of the belly from gas in the bowel: 9 cm2 at a probability of 0.8, beside nothing better."""
    world = np.zeros((1, 2, 40, 60), np.uint8)
    world[0, RIGHT, 20:30, 10:20] = 204
    result, cleaning = clean(world, SPACING_MM)
    assert not result.any()
    assert cleaning.removed_ml == pytest.approx((100 * VOXEL_ML,))


def test_a_large_part_that_is_half_believed_stays() -> None:
    """Protects the opaque lung, of which no network is sure: here 36 cm2 in each slice at a probability of 0.6."""
    world = two_lungs()
    world[1:-1, LEFT, 10:30, 30:50] = 153
    np.testing.assert_array_equal(sides(world), hard_labels(world))


def test_doubt_about_the_side_is_no_doubt_about_the_lung() -> None:
    """Protects small parts of which the network only does not know whose they are: both sides at one half."""
    world = np.zeros((1, 2, 40, 60), np.uint8)
    world[0, :, 20:30, 10:20] = 128
    np.testing.assert_array_equal(sides(world), hard_labels(world))


def test_a_lung_cut_in_pieces_by_disease_keeps_the_big_ones() -> None:
    """Protects pathological lungs: a band of consolidation through both of them."""
    world = two_lungs()
    world[1:-1, :, 17:20] = 0  # leaves 7 and 10 rows of 20
    np.testing.assert_array_equal(sides(world), hard_labels(world))


@pytest.mark.parametrize("gap", [1, 2])
def test_failed_slices_cost_no_other_slice_wherever_they_are(gap: int) -> None:
    """Protects good slices from being blanked because the network missed one between them; at both ends, in both."""
    for start in (*range(1, 6), 30, *range(54, 59)):
        for side in (RIGHT, LEFT, slice(None)):
            world = two_lungs(depth=60)
            world[start : start + gap, side] = 0
            np.testing.assert_array_equal(sides(world), hard_labels(world), err_msg=f"slice {start}")


def test_air_beyond_a_gap_with_another_outline_is_not_lung() -> None:
    """Protects from taking the stomach under the diaphragm for the lung's next slices."""
    world = two_lungs(depth=60)
    expected = sides(world)
    world[-1] = 0
    world = np.concatenate([world, np.zeros_like(world[:3])])
    world[60:63, LEFT, 24:36, 30:40] = 255
    np.testing.assert_array_equal(sides(world)[:60], expected)
    assert not sides(world)[60:].any()


def test_a_part_named_for_the_wrong_lung_changes_side() -> None:
    """Protects the sides: a lobe of the right lung that the network calls left, and is surrounded by right lung."""
    world = two_lungs()
    expected = sides(world)
    lobe = (slice(3, 7), slice(12, 20), slice(10, 20))
    world[:, LEFT][lobe], world[:, RIGHT][lobe] = 230, 20
    result, cleaning = clean(world, SPACING_MM)
    np.testing.assert_array_equal(hard_labels(result), expected)
    assert (result[:, RIGHT][lobe] == 230).all() and (result[:, LEFT][lobe] == 20).all()
    assert cleaning.moved_ml == pytest.approx(4 * 8 * 10 * VOXEL_ML)
    assert cleaning.removed_ml == ()


def test_a_part_of_the_left_lung_that_lies_against_the_right_one_stays_left() -> None:
    """Protects the anterior junction: a piece cut off from its lung, on its own side, touching the other lung."""
    world = two_lungs()
    world[4:8, LEFT, 10:14, 31:34] = 255
    world[4:8, RIGHT, 10:14, 24:31] = 255
    assert (sides(world)[4:8, 10:14, 31:34] != 1).all()


def test_the_only_part_of_a_missing_lung_changes_side_too() -> None:
    """Protects a patient with one lung: a few voxels called the other lung, inside the one that is there."""
    world = two_lungs()
    world[:, LEFT] = 0
    expected = sides(world)
    world[4:6, LEFT, 10:16, 12:18], world[4:6, RIGHT, 10:16, 12:18] = 255, 0
    np.testing.assert_array_equal(sides(world), expected)


def test_a_fourth_of_a_lung_called_the_other_one_changes_side() -> None:
    """Protects scans of one lung in a rectangle, whose front the network may call the other side's: 93 of 520 ml."""
    world = two_lungs()
    world[:, RIGHT] = 0
    expected = sides(world)
    world[:, RIGHT, :15], world[:, LEFT, :15] = world[:, LEFT, :15].copy(), 0
    result, cleaning = clean(world, SPACING_MM)
    np.testing.assert_array_equal(hard_labels(result), expected)
    assert cleaning.moved_ml == pytest.approx(10 * 5 * 14 * VOXEL_ML)


def test_a_small_collapsed_lung_is_kept() -> None:
    """Protects a lung of a few per cent of the other: it lies alone."""
    world = two_lungs()
    world[:, LEFT] = 0
    world[4:8, LEFT, 15:20, 30:35] = 255
    np.testing.assert_array_equal(sides(world), hard_labels(world))


def test_more_parts_than_a_byte_can_number_are_told_apart() -> None:
    """Protects noisy scans: numbers of parts are kept in one byte where that is enough, and in more where it is not."""
    mask = np.zeros((3, 60, 60), np.bool_)
    assert numbered_parts(mask.copy())[0].dtype == np.uint8
    mask[1, ::2, ::2] = True
    parts, count = numbered_parts(mask)
    assert (parts.dtype, count, parts.max()) == (np.uint16, 900, 900)
    np.testing.assert_array_equal(np.sort(parts[mask]), np.arange(1, 901))
