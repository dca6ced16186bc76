"""Adds aerated parts that open to the lung in a slice, which the network left out at tips and in corners.

Gas in airways and bowel is as light as lung, but walls keep it away: it touches lung in narrow places at most. What no
wall separates from the lung is lung (ADR 0026). `missed_lung` adds large parts of a scan, on the network's grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.preprocessing import nearest_step
from LungUNetSegLib.segmentation.masks import numbered_parts, with_neighbours
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

AERATED_HU = -500
"""Partial volumes of walls have more."""

GAS_HU = -960
"""A tenth of an airway is below, smoothed over `SMOOTHED_MM`: gas without lung. Single pixels of lung are as well."""

SMOOTHED_MM = 3.0

OPENNESS = 1.4
"""Least length of a part's contact with lung, by the root of its area: a rectangle twice as wide as it is deep."""

LEAST_MM2 = 20.0
"""Smaller parts are left alone."""


def add_open_parts(labels: Labels, hu: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> None:
    """Give the open parts of a slice to the lung that they touch most, in place; to the right one if to both alike.

    Args:
        labels: (H, W); 1 right lung, 2 left.
        hu: (H, W).
        pixel_mm: (row, column).
    """
    aerated = (labels == 0) & (hu < AERATED_HU)
    above, beside = (with_neighbours(labels, (axis,), np.bitwise_or) * aerated for axis in (0, 1))
    touches = above | beside  # 3 where both lungs are near
    side_mm = np.sqrt(pixel_mm[0] * pixel_mm[1])  # of a square as large as a pixel, by which lengths are told
    least = np.ceil(LEAST_MM2 / side_mm**2 - 1e-4)  # tolerates spacings rounded in files
    if np.count_nonzero(touches) * max(pixel_mm) / side_mm < OPENNESS * np.sqrt(least):
        return
    parts, count = numbered_parts(aerated)
    areas = np.bincount(parts.ravel(), minlength=count + 1)
    lengths = np.maximum((above > 0) * pixel_mm[1], (beside > 0) * pixel_mm[0]) / side_mm
    contact, right, left = (
        np.bincount(parts[each], lengths[each], minlength=count + 1)
        for each in (touches > 0, touches & RIGHT_LUNG > 0, touches & LEFT_LUNG > 0)
    )
    is_open = (contact >= OPENNESS * np.sqrt(areas) - 1e-4) & (areas >= least)
    is_open[0] = False
    if not is_open.any():
        return
    window = [max(1, nearest_step(SMOOTHED_MM, each)) for each in pixel_mm]
    smoothed = ndimage.uniform_filter(hu.astype(np.float32), window)
    for number in np.flatnonzero(is_open):
        part = parts == number
        if np.percentile(smoothed[part], 10) > GAS_HU:
            labels[part] = LEFT_LUNG if left[number] > right[number] else RIGHT_LUNG
