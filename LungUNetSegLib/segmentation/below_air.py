"""Removes organs that are called lung below the lungs' last air.

A liver looks like an opaque lung to a network that sees a few slices. An opaque or consolidated lung goes on below the
air of both lungs, but does not become wider there: it tapers like any lung. A liver widens. This holds only where the
lung tapers towards its last air: below an apex that alone holds air, lung widens as well.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.segmentation.probabilities import Slices
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

AIR_HU = (-950, -500)
"""Aerated lung; what has less is gas, as in a bowel."""

AIR_MM2 = 200.0
"""A slice with less aerated lung in both lungs lies below their air."""

NEAR_MM = 10.0
"""Height of the slices, the last with air, whose lung is compared."""

WIDER = 1.5
"""A lung that is so many times as wide below the air is an organ (docs/adr/0029)."""

AREA_MM2 = 500.0
"""What is narrower stays."""


def drop_solid_below_air(labels: Labels, hu: Slices, spacing_mm: tuple[float, float, float]) -> list[int]:
    """Remove solid tissue that widens below the lungs' air, from labels in place.

    Args:
        labels: (D, h, w) uint8 from the feet to the head; 1 = the patient's right lung, 2 = left.
        hu: (D, h, w) the scan there.
        spacing_mm: (slice, row, column).

    Returns:
        The voxels removed from each lung.
    """
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    count, near = _slices_below_air(labels, hu, AIR_MM2 / pixel_mm2), math.ceil(NEAR_MM / spacing_mm[0])
    removed = []
    for side in (RIGHT_LUNG, LEFT_LUNG) if count else ():
        areas = np.count_nonzero(labels == side, axis=(1, 2))
        below, lung, rest = areas[:count].max(), areas[count : count + near].max(), areas[count + near :]
        tapers = 0 < lung <= rest.max(initial=0)
        if tapers and below * pixel_mm2 >= AREA_MM2 and below > WIDER * lung:
            removed.append(sum(_drop_solid(labels[number], side, hu[number]) for number in range(count)))
    return removed


def _slices_below_air(labels: Labels, hu: Slices, least: float) -> int:
    """Return how many slices come before the first with so many pixels of aerated lung; 0 if none has them."""
    for number, each in enumerate(labels):
        lung = each > 0
        if np.count_nonzero(lung) >= least and np.count_nonzero(lung & _is_aerated(hu[number])) >= least:
            return number
    return 0


def _is_aerated(hu: npt.NDArray[np.int16]) -> Mask:
    return (hu > AIR_HU[0]) & (hu < AIR_HU[1])


def _drop_solid(labels: Labels, side: int, hu: npt.NDArray[np.int16]) -> int:
    """Remove a lung's pixels that are not aerated from a slice in place; return their number."""
    solid = (labels == side) & ~_is_aerated(hu)
    labels[solid] = 0
    return int(np.count_nonzero(solid))
