"""Adds aerated parts that open to the lung in a slice, which the network left out at tips and in corners.

Gas in airways and bowel is as light as lung, but walls keep it away: it touches lung in narrow places at most. What no
wall separates from the lung is lung (ADR 0026). `missed_lung` adds large parts of a scan, on the network's grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.segmentation.masks import numbered_parts, with_neighbours
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

AERATED_HU = -500
"""Partial volumes of walls have more."""

GAS_HU = -960
"""The mean of gas without lung is less: of a pneumothorax, an airway, bowel."""

OPENNESS = 1.4
"""Least length of a part's contact with lung, by the root of its area: a rectangle twice as wide as it is deep."""

LEAST_MM2 = 20.0
"""Smaller parts are left alone."""

MOST_OF_LUNG = 0.25
"""Largest part, by the area of lung in its slice: a sliver that is no lung would take in the airway beside it."""


def add_open_parts(labels: Labels, hu: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> None:
    """Give the open parts of a slice to the lung that they touch most, in place; to the right one if to both alike.

    Args:
        labels: (H, W); 1 right lung, 2 left.
        hu: (H, W).
        pixel_mm: (row, column).
    """
    aerated = (labels == 0) & (hu < AERATED_HU)
    touches = with_neighbours(labels, (0, 1), np.bitwise_or) * aerated  # 3 where both lungs are near
    least = LEAST_MM2 / (pixel_mm[0] * pixel_mm[1])
    if np.count_nonzero(touches) < OPENNESS * np.sqrt(least):
        return
    parts, count = numbered_parts(aerated)
    areas = np.bincount(parts.ravel(), minlength=count + 1)
    contact, right, left = (
        np.bincount(parts[each], minlength=count + 1)
        for each in (touches > 0, touches & RIGHT_LUNG > 0, touches & LEFT_LUNG > 0)
    )
    is_open = (contact >= OPENNESS * np.sqrt(areas)) & (areas >= least)
    is_open &= areas <= MOST_OF_LUNG * np.count_nonzero(labels)
    is_open &= np.bincount(parts.ravel(), hu.ravel(), minlength=count + 1) > GAS_HU * areas
    is_open[0] = False
    if is_open.any():
        labels |= np.where(is_open, np.where(left > right, LEFT_LUNG, RIGHT_LUNG), 0).astype(np.uint8)[parts]
