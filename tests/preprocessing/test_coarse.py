"""The coarse view: what it averages, where its slices lie, and how its answer comes back to the slices."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.preprocessing.coarse import (
    UNKNOWN,
    as_channels,
    bring_to_slices,
    coarse_depth,
    coarsen_slices,
    has_coarse_view,
    pad_depth,
    reduce_planes,
)

CONFIG = PreprocessConfig(spacing_mm=3.0, size=(16, 24), context_mm=7.0, coarse_mm=6.0)


def test_blocks_of_pixels_become_their_mean() -> None:
    planes = np.array([[[0, 2, 10, 10], [4, 6, 10, 10]]], np.int16)
    assert reduce_planes(planes, 2).tolist() == [[[3, 10]]]
    assert reduce_planes(planes[:, :, :3], 2).tolist() == [[[3]]]  # what is left over is left out


def test_slices_of_half_the_distance_are_averaged_and_the_middle_stays() -> None:
    """Four slices of 3 mm at 0, 3, 6, 9 mm become two at 1.5 and 7.5 mm: triangles 6 mm wide."""
    reduced = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    # At 1.5 mm the slices at 0, 3 and 6 mm weigh 0.75, 0.75 and 0.25.
    first = (0 * 0.75 + 1 * 0.75 + 2 * 0.25) / 1.75
    assert coarsen_slices(reduced, 3.0, CONFIG)[:, 0, 0].tolist() == pytest.approx([first, 3 - first])


@pytest.mark.parametrize(("depth", "slice_mm", "expected"), [(300, 1.25, 62), (2, 1.0, 1), (10, 8.0, 13)])
def test_the_coarse_view_is_as_long_as_the_scan(depth: int, slice_mm: float, expected: int) -> None:
    assert coarse_depth(depth, slice_mm, 6.0) == expected


@pytest.mark.parametrize("depth", [2, 3, 7, 60])
@pytest.mark.parametrize("slice_mm", [0.5, 1.25, 3.1, 6.0, 8.0, 13.9])
def test_a_constant_stays_that_constant_there_and_back(depth: int, slice_mm: float) -> None:
    """At the ends too: no coarse slice lies outside the scan, and no slice is told of what lies beyond."""
    view = coarsen_slices(np.full((depth, 2, 3), 7.0, np.float32), slice_mm, CONFIG)
    assert np.allclose(view, 7.0, atol=1e-4)
    said = np.full((2, len(view), 8, 12), 0.25, np.float32)
    told = bring_to_slices(said, np.arange(depth), depth, slice_mm, CONFIG)
    assert told.shape == (depth, 2, 16, 24)
    assert np.allclose(told, 0.25, atol=1e-5)


def test_each_slice_is_told_of_its_own_place() -> None:
    """Slices of 6 mm are the coarse slices themselves; columns of blocks come back between their middles."""
    said = np.zeros((2, 3, 8, 12), np.float32)
    said[0, 1] = 1.0
    said[1, :, :, 6:] = 1.0
    told = bring_to_slices(said, np.array([0, 1, 2]), 3, 6.0, CONFIG)
    assert told[:, 0, 0, 0].tolist() == [0, 1, 0]
    assert told[0, 1, 0, 10:14].tolist() == pytest.approx([0, 0.25, 0.75, 1])


def test_a_view_is_padded_with_air_above_the_head() -> None:
    padded = pad_depth(np.zeros((9, 2, 2), np.float32))
    assert padded.shape == (16, 2, 2)
    assert (padded[9:] == -1024).all() and not padded[:9].any()


def test_slices_that_are_seen_alone_have_no_coarse_view() -> None:
    assert has_coarse_view(2, 5.0, CONFIG)
    assert not has_coarse_view(1, 5.0, CONFIG)
    assert not has_coarse_view(9, 20.0, CONFIG)  # further apart than twice context_mm
    assert not has_coarse_view(9, 5.0, PreprocessConfig(context_mm=7.0))


def test_the_unknown_is_neither_lung_nor_none() -> None:
    assert as_channels(np.array([0.0, UNKNOWN, 1.0])).tolist() == [-1, 0, 1]


@pytest.mark.parametrize("values", [{"coarse_mm": 4.0}, {"coarse_mm": 6.0, "context_mm": 0.0}, {"size": (18, 30)}])
def test_grids_that_do_not_fit_are_refused(values: dict) -> None:
    """4 mm is no multiple of 3; without neighbours there is no whole scan; 18 x 30 pixels are no blocks of 4."""
    given_values = {"spacing_mm": 3.0, "size": (16, 24), "context_mm": 7.0, "coarse_mm": 12.0} | values
    with pytest.raises(ConfigError, match="coarse_mm"):
        PreprocessConfig(**given_values)
