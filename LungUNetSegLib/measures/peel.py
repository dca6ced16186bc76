"""Finds the peel of a lung: what lies within `PEEL_MM` of the surface of its mask, the rest being its core.

Distances assume axes at right angles, which all readers provide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.volume import Geometry

Places = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]
Ends = Sequence[tuple[bool, bool]]
"""For each axis whether the scan ends at the first and at the last voxel: a lung cut off there has no pleura."""

PEEL_MM = 15.0
"""The peel's thickness."""

GRID_MM = 2.0
"""Distances from the pleura are measured on a grid of this step: the peel's inner side is 1 mm uncertain."""

SLAB_SLICES = 16
"""Number of slices of that grid whose distances are computed at once, which stay in caches."""


def find_peel(labels: Labels, label: int, geometry: Geometry, ends: Ends) -> tuple[Labels, Places]:
    """Return 1 for each voxel of a grid of `GRID_MM` within the peel, and where the lung's voxels lie on that grid.

    Args:
        labels: (D, H, W), the lung's box, on axes nearest to (head, back, left).
        label: The lung's value.
        geometry: The box's grid.
        ends: Where the scan ends.
    """
    sampled, places, steps_mm = [], [], []
    for size, spacing_mm in zip(labels.shape, geometry.spacing_mm, strict=True):
        number = max(1, round(size * spacing_mm / GRID_MM))
        sampled.append(np.minimum(((np.arange(number) + 0.5) * size / number).astype(np.intp), size - 1))
        places.append(((np.arange(size) + 0.5) * number / size).astype(np.intp))
        steps_mm.append(size * spacing_mm / number)
    coarse = np.pad(labels[np.ix_(*sampled)] == label, 1, mode="edge").view(np.uint8)
    for axis, (first, last) in enumerate(ends):
        coarse.swapaxes(0, axis)[0] *= first
        coarse.swapaxes(0, axis)[-1] *= last
    peel = _near_outside(coarse, steps_mm)[1:-1, 1:-1, 1:-1]
    return peel, (places[0], places[1], places[2])


def _near_outside(mask: Labels, steps_mm: Sequence[float]) -> Labels:
    """Return 1 for the voxels of a mask within the peel.

    For each offset in slices and rows it is known how many columns away a voxel outside may be; that takes a tenth of
    the time of a distance transform.
    """
    reach_mm = PEEL_MM + GRID_MM / 2  # to the centres of the voxels outside; the surface lies half a step nearer
    reach = [min(int(reach_mm / step) + 1, size) for step, size in zip(steps_mm, mask.shape, strict=True)]
    slices, rows, columns = np.ogrid[tuple(map(slice, reach))]
    far = [offset * step for offset, step in zip((slices, rows, columns), steps_mm, strict=True)]
    widths = (np.sqrt(far[0] ** 2 + far[1] ** 2 + far[2] ** 2) <= reach_mm).sum(axis=2)
    around, height = rows.size - 1, mask.shape[1]
    beside = np.pad(_columns_to_outside(mask, columns.size), ((0, 0), (around, around), (0, 0)), constant_values=255)
    peel = np.zeros_like(mask, np.bool_)
    for start in range(0, len(mask), SLAB_SLICES):
        slab = beside[start : start + SLAB_SLICES]
        at_rows = [
            np.minimum(slab[:, around - offset :][:, :height], slab[:, around + offset :][:, :height])
            for offset in range(rows.size)
        ]
        for offset, allowed in enumerate(widths):
            near = np.zeros_like(at_rows[0], np.bool_)
            for nearest, width in zip(at_rows, allowed.tolist(), strict=True):
                near |= nearest < width
            for place in {start - offset, start + offset}:
                first, last = max(place, 0), min(place + len(slab), len(mask))
                if first < last:
                    peel[first:last] |= near[first - place : last - place]
    return peel.view(np.uint8)


def _columns_to_outside(mask: Labels, most: int) -> Labels:
    """Return for each voxel how many columns away the nearest voxel of its row outside the mask is, or `most`."""
    inside = mask > 0
    beside = inside.astype(np.uint8)
    for _ in range(most - 1):
        inner = inside.copy()
        inner[..., 1:] &= inside[..., :-1]
        inner[..., :-1] &= inside[..., 1:]
        beside += inner
        inside = inner
    return beside
