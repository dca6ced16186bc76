"""A result and the coarse network's lungs are compared in coarse voxels; every number is computed by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.segmentation.agreement import Agreement, compare_stages

CONFIG = PreprocessConfig(spacing_mm=1.5, size=(32, 96), context_mm=7.0, coarse_mm=6.0)
DEPTH, SLICE_MM = 8, 6.0
VOXEL_ML = 0.216
"""Coarse voxels of 6 mm, 4 x 4 pixels of a slice; slices lie as far apart as the coarse ones."""


def coarse_lungs() -> npt.NDArray[np.float32]:
    """Return (2, 8, 8, 24) probabilities: two boxes of 6 x 4 x 4 = 96 voxels."""
    said = np.zeros((2, DEPTH, 8, 24), np.float32)
    said[0, 1:7, 2:6, 2:6] = said[1, 1:7, 2:6, 10:14] = 0.9
    return said


def as_result(coarse: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return the same lungs as (D, 2, h, w) probabilities of the slice network."""
    planes = coarse.transpose(1, 0, 2, 3).repeat(4, axis=2).repeat(4, axis=3)
    return (planes * 255).astype(np.uint8)


def compare(result: npt.NDArray[np.float32]) -> Agreement:
    """Compare such a result with the two boxes."""
    return compare_stages(coarse_lungs(), as_result(result), SLICE_MM, CONFIG)


def test_the_same_lungs_agree() -> None:
    """Protects from a shift between both grids: one voxel aside would cost a fourth of a box."""
    assert compare(coarse_lungs()) == Agreement(dsc=1.0, far_ml=0.0, side_ml=0.0)


def test_lung_far_from_the_coarse_lungs() -> None:
    """Of a liver of 3 x 2 x 6 voxels beside the left lung, what begins within 12 mm is near: two columns of six."""
    result = coarse_lungs()
    result[0, 2:5, 3:5, 14:20] = 0.9
    assert compare(result).far_ml == pytest.approx(3 * 2 * 4 * VOXEL_ML)
    assert compare(result).dsc == pytest.approx(2 * 192 / (192 + 192 + 36))


def test_only_the_largest_part_far_off_counts() -> None:
    """Specks do not add up."""
    result = coarse_lungs()
    result[0, 3, 3, 18] = result[0, 5, 3, 18:20] = 0.9
    assert compare(result).far_ml == pytest.approx(2 * VOXEL_ML)


def test_swapped_sides() -> None:
    """Both lungs are found, but on the other side."""
    agreement = compare(coarse_lungs()[::-1])
    assert agreement.dsc == 1.0 and agreement.side_ml == pytest.approx(192 * VOXEL_ML)


def test_no_lung_in_the_coarse_view() -> None:
    """All lung is far from lungs that were not found."""
    agreement = compare_stages(np.zeros((2, DEPTH, 8, 24), np.float32), as_result(coarse_lungs()), SLICE_MM, CONFIG)
    assert agreement == Agreement(dsc=0.0, far_ml=pytest.approx(96 * VOXEL_ML), side_ml=0.0)


def test_no_lung_at_all() -> None:
    """Two empty answers agree, but by no number."""
    nothing = np.zeros((2, DEPTH, 8, 24), np.float32)
    assert compare_stages(nothing, as_result(nothing), SLICE_MM, CONFIG) == Agreement(dsc=None, far_ml=0.0, side_ml=0.0)


def test_padding_above_the_head_is_left_out() -> None:
    """The coarse network sees air above the head, where no slice is."""
    padded = np.concatenate((coarse_lungs(), np.full((2, 8, 8, 24), 0.9, np.float32)), axis=1)
    assert compare_stages(padded, as_result(coarse_lungs()), SLICE_MM, CONFIG).dsc == 1.0
