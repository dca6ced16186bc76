"""What a scan of a thousand slices takes in memory beside itself (docs/performance.md)."""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest

from LungUNetSegLib.preprocessing import SLICES_AT_ONCE, PreprocessConfig, prepare
from LungUNetSegLib.segmentation.cleaning import Cleaning, clean
from LungUNetSegLib.segmentation.probabilities import hard_labels
from LungUNetSegLib.volume import Geometry, Volume, sparse_zeros

ROWS, COLUMNS = slice(12, 84), (slice(8, 60), slice(68, 120))


def _peak_of_cleaning(depth: int) -> int:
    """Clean two lungs of 72 x 52 pixels in all but the outermost slices; return the most bytes taken meanwhile."""
    probabilities, hu = np.zeros((depth, 2, 96, 128), np.uint8), np.full((depth, 96, 128), 40, np.int16)
    for side, columns in enumerate(COLUMNS):
        probabilities[1:-1, side, ROWS, columns] = 255
        hu[1:-1, ROWS, columns] = -850
    tracemalloc.start()
    assert clean(probabilities, hu, (1.0, 1.5, 1.5)) == Cleaning()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_cleaning_takes_three_bytes_for_a_voxel_of_the_lungs_box() -> None:
    """Protects scans of a thousand slices, whose box has 40 million voxels: masks of all slices took 5 bytes."""
    voxels = 160 * 72 * 112
    assert (_peak_of_cleaning(200) - _peak_of_cleaning(40)) / voxels < 3.2


@pytest.mark.skipif(sys.platform != "linux", reason="where memory of a map can be given back, and is 0 then")
def test_probabilities_go_as_the_labels_come() -> None:
    """Protects scans of a thousand slices: both at once are 190 MB."""
    geometry = Geometry.axial((2 * SLICES_AT_ONCE, 64, 64), (1.0, 2.0, 2.0))
    scan = prepare(
        Volume(np.zeros(geometry.shape, np.int16), geometry), PreprocessConfig(spacing_mm=2.0, size=(64, 64))
    )
    probabilities = sparse_zeros((2 * SLICES_AT_ONCE, 2, 64, 64))
    probabilities[:, 0] = 255
    left: list[int] = []
    labels = scan.restore(
        probabilities,
        hard_labels,
        progress=lambda *_: left.append(np.count_nonzero(probabilities[:, 0].any(axis=(1, 2)))),
    )
    assert left == [SLICES_AT_ONCE, 0] and (labels.array == 1).all()
