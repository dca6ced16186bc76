"""Checks the side of a lung that is nearly alone in a scan by its ribs: heart and spine may be cropped away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.segmentation.probabilities import Slices
from LungUNetSegLib.segmentation.ribs import STEP_MM, WALL_MM, side_by_ribs
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

LONE_SHARE = 0.1
"""If the other lung has less than this share of all lung, the scan shows the outer wall of one lung alone."""


def is_called_the_other(
    labels: Labels, hu: Slices, place: tuple[slice, slice, slice], spacing_mm: tuple[float, float, float]
) -> bool:
    """Return whether one lung is nearly alone, and has its ribs on the other side than its label says.

    Args:
        labels: (D, H, W) of a part of the scan; axes run to the head, the back and the left; 1 right lung, 2 left.
        hu: (slices, rows, columns) the whole scan.
        place: Where the labels lie in it.
        spacing_mm: (slice, row, column) distances.
    """
    sizes = {lung: sum(np.count_nonzero(plane == lung) for plane in labels) for lung in (RIGHT_LUNG, LEFT_LUNG)}
    called = max(sizes, key=lambda lung: sizes[lung])
    if min(sizes.values()) >= LONE_SHARE * sum(sizes.values()):
        return False
    side = side_by_ribs(*_with_wall(labels == called, hu, place, spacing_mm))
    return side is not None and side != called


def _with_wall(
    lung: Mask, hu: Slices, place: tuple[slice, slice, slice], spacing_mm: tuple[float, float, float]
) -> tuple[npt.NDArray[np.int16], Mask, tuple[float, float, float]]:
    """Return HU and lung, about every `STEP_MM`, with the wall right and left of the place, and the steps in mm."""
    slice_step, row_step, column_step = (
        max(1, round(step / own)) for step, own in zip(STEP_MM, spacing_mm, strict=True)
    )
    slices, rows, columns = place
    margin = round(WALL_MM / spacing_mm[2])
    before = min(margin, columns.start)
    wide = slice(columns.start - before, columns.stop + margin)
    scan = np.stack([hu[z][rows, wide] for z in range(slices.start, slices.stop, slice_step)])
    after = scan.shape[2] - before - lung.shape[2]
    padded = np.pad(lung[::slice_step], ((0, 0), (0, 0), (before, after)))
    thinned = slice(None), slice(None, None, row_step), slice(None, None, column_step)
    slice_mm, row_mm, column_mm = spacing_mm
    return scan[thinned], padded[thinned], (slice_mm * slice_step, row_mm * row_step, column_mm * column_step)
