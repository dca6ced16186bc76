"""Doubts by hand: the area of each cause, their sum, and the order of the list."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.preprocessing import PreparedScan, PreprocessConfig, prepare
from LungUNetSegLib.segmentation.doubt import (
    CAUSES,
    NO_DOUBTS,
    WEIGHTS,
    DoubtfulSlice,
    Doubts,
    find_doubts,
    lung_pixels,
)
from LungUNetSegLib.volume import Geometry, Volume

PIXEL_MM2 = 4.0
SIZE = 33
"""Of slices of 2 mm, which lie on the scan's own pixels."""


def prepared(hu: np.ndarray) -> PreparedScan:
    """A scan whose pixels are the network's own; the feet's slice lies at z = -50 mm, the next 8 mm higher."""
    geometry = Geometry.axial(hu.shape, (8.0, 2.0, 2.0), (0.0, 0.0, -50.0))
    return prepare(Volume(hu.astype(np.int16), geometry), PreprocessConfig(spacing_mm=2.0, size=(SIZE, SIZE)))


@pytest.fixture
def said() -> np.ndarray:
    """Five slices with squares of 100 pixels of both lungs, of which the network is sure."""
    said = np.zeros((5, 2, SIZE, SIZE), np.uint8)
    said[:, 0, 10:20, 3:13] = said[:, 1, 10:20, 20:30] = 255
    return said


@pytest.fixture
def hu() -> np.ndarray:
    """A body that fills the slices evenly, so that the network's pixels are the scan's; no lung is dense."""
    return np.full((5, SIZE, SIZE), -600)


def test_each_cause_by_hand(said: np.ndarray, hu: np.ndarray) -> None:
    before = lung_pixels(said)
    assert before.tolist() == [[100] * 5] * 2
    hu[1, 10:14, 3:13] = -500  # of four dense rows at the outline, three lie within, less a column at either end
    hu[1, 16:18, 6:8] = 0  # a vessel within the lung
    hu[1, 0, 0] = -400  # none of a lung
    said[2, 1, 10, 20:30] = 204  # ten pixels of the left lung: a fifth of them is expected to be wrong
    hu[3, 15, 3:9] = -300  # six of the ten pixels of the next line
    said[3, 0, 15, 3:13] = 0  # that both neighbours have: a hole that cleaning made
    doubts = find_doubts(said, before, prepared(hu))
    expected = np.zeros((2, 5, len(CAUSES)))
    expected[0, 1, 0] = 24
    expected[1, 2, 1] = 2
    expected[0, 3, 2:] = 6, 10
    np.testing.assert_allclose(doubts.areas_mm2, expected * PIXEL_MM2)
    assert doubts.lungs == ("right", "left") and doubts.heights_mm.tolist() == [-50, -42, -34, -26, -18]
    assert doubts.by_slice_mm2[0, 3] == pytest.approx(24 * WEIGHTS[2] + 40 * WEIGHTS[3])


def test_wide_dense_tissue_within_a_lung_counts(said: np.ndarray, hu: np.ndarray) -> None:
    """Protects the top of the diaphragm that was taken for lung from being left out: aerated lung surrounds it."""
    hu[1, 11:17, 4:10] = -500  # 12 mm wide, as the largest vessels
    hu[2, 11:18, 4:11] = -500  # 14 mm wide
    hu[3, 11:18, 4:11] = -501  # aerated
    dense = find_doubts(said, lung_pixels(said), prepared(hu)).areas_mm2[:, :, CAUSES.index("dense")]
    assert dense.tolist() == [[0, 0, 49 * PIXEL_MM2, 0, 0], [0] * 5]


def test_neighbours_of_thin_slices_lie_farther_on(said: np.ndarray, hu: np.ndarray) -> None:
    """Protects thin slices from a list that never names what two of them share."""
    hu[:] = -300
    said[1:3, 0, 15, 3:13] = 0
    thin = Volume(hu.astype(np.int16), Geometry.axial(hu.shape, (4.0, 2.0, 2.0), (0.0, 0.0, 0.0)))
    scan = prepare(thin, PreprocessConfig(spacing_mm=2.0, size=(SIZE, SIZE)))
    unlike = CAUSES.index("unlike-neighbours")
    doubts = find_doubts(said, lung_pixels(said), scan)
    assert doubts.areas_mm2[0, :, unlike].tolist() == [0, 10 * PIXEL_MM2, 10 * PIXEL_MM2, 0, 0]


def test_both_lungs_as_one_label_have_one_doubt(said: np.ndarray, hu: np.ndarray) -> None:
    hu[:] = -500
    doubts = find_doubts(said, lung_pixels(said), prepared(hu), "binary")
    assert doubts.lungs == ("total",) and doubts.areas_mm2[:, :, 0].tolist() == [[128 * PIXEL_MM2] * 5]


def test_an_end_of_the_scan_is_no_difference(said: np.ndarray, hu: np.ndarray) -> None:
    """Protects lungs that the scan cuts off, and single slices, from a doubt of their whole area."""
    for part in (slice(0, 5), slice(0, 1)):
        doubts = find_doubts(said[part], lung_pixels(said[part]), prepared(hu[part]))
        assert not doubts.areas_mm2.any()


def test_without_lung_there_is_nothing_to_look_at(said: np.ndarray, hu: np.ndarray) -> None:
    doubts = find_doubts(said * 0, lung_pixels(said * 0), prepared(hu))
    assert doubts.worst() == [] and NO_DOUBTS.worst() == []


def test_the_list_holds_the_worst_of_each_lung() -> None:
    """Protects the order, and the bound for each lung."""
    areas = np.zeros((2, 4, len(CAUSES)))
    areas[0, :, 0] = 10, 30, 0, 20
    areas[1, 2] = 1, 0, 0, 10
    doubts = Doubts(("right", "left"), np.array([0.0, 5.0, 10.0, 15.0]), areas)
    assert [(each.lung, each.slice) for each in doubts.worst(2)] == [("right", 1), ("right", 3), ("left", 2)]
    assert doubts.worst(1)[0] == DoubtfulSlice(
        slice=1, height_mm=5.0, lung="right", doubt_mm2=30 * WEIGHTS[0], reason="dense"
    )


def test_the_reason_is_what_sets_a_slice_apart() -> None:
    """Every slice of a lung has vessels: a slice whose neighbours differ is listed for that."""
    areas = np.zeros((1, 5, len(CAUSES)))
    areas[0, :4, 0] = 100, 110, 105, 100
    areas[0, 2, 2] = 60
    worst, second, *_ = Doubts(("total",), np.arange(5.0), areas).worst()
    assert (worst.slice, worst.reason) == (2, "unlike-neighbours") and (second.slice, second.reason) == (1, "dense")
