"""Removes solid tissue that the network called lung in one or two slices, and not above and below.

A liver may look like an opaque lung in a slice, and not in the next. No lung, however dense, begins and ends within a
few millimetres over a wide area.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.segmentation.probabilities import Slices
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import bounding_box

THICKNESS_MM = 12.0
"""Lung that is thicker along the body's length is left alone."""

AREA_MM2 = 500.0
"""So is what is smaller in its slice: the tips of lungs, the rims of domes."""

RIM_MM = 4.5
"""Narrower strips do not count: where a lung's surface slants, its rim is thin."""

SOLID_HU = -300.0
"""Aerated lung has less on average: its thin parts, such as the middle lobe over the heart, are left alone."""


def drop_thin_plates(
    labels: Labels,
    hu: Slices,
    spacing_mm: tuple[float, float, float],
    *,
    is_cut: tuple[bool, bool] = (True, True),
) -> list[int]:
    """Remove solid plates from labels in place.

    What reaches an end at which the scan is cut may go on beyond it and stays. Scans with slices further apart than
    `THICKNESS_MM` stay as they are: they cannot show how thick anything is.

    Args:
        labels: (D, h, w) uint8; 1 = the patient's right lung, 2 = left.
        hu: (D, h, w) the scan there.
        spacing_mm: (slice, row, column).
        is_cut: Whether the scan ends with the first slice, and with the last.

    Returns:
        The voxels of each plate.
    """
    slices = math.floor(THICKNESS_MM / spacing_mm[0]) + 1
    if slices < 2:
        return []
    removed, pixel_mm2 = [], spacing_mm[1] * spacing_mm[2]
    for side in (RIGHT_LUNG, LEFT_LUNG):
        lung = labels == side
        _, rows, columns = bounding_box(lung)
        thin = _thin(lung[:, rows, columns], slices, is_cut)
        for number, inside in enumerate(thin):
            if np.count_nonzero(inside) * pixel_mm2 >= AREA_MM2:
                values = hu[number][rows, columns]
                removed += _drop_solid(labels[number][rows, columns], values, inside, spacing_mm)
    return removed


def _thin(lung: Mask, slices: int, is_cut: tuple[bool, bool]) -> Mask:
    """Return where a lung is less than so many slices thick; it goes on beyond an end at which the scan is cut."""
    longer = np.pad(lung, ((slices, slices), (0, 0), (0, 0)))
    longer[:slices], longer[-slices:] = lung[0] & is_cut[0], lung[-1] & is_cut[1]
    full = np.pad(_joined(longer, slices, np.logical_and), ((slices - 1, slices - 1), (0, 0), (0, 0)))
    thick = _joined(full, slices, np.logical_or)[slices:-slices]
    return np.asarray(lung & ~thick)


def _joined(mask: Mask, slices: int, join: np.ufunc) -> Mask:
    """Join each run of so many slices into one, by steps of doubled length, which is quick."""
    reach = 1
    while reach < slices:
        step = min(reach, slices - reach)
        mask = join(mask[:-step], mask[step:])
        reach += step
    return mask


def _drop_solid(
    labels: Labels, hu: npt.NDArray[np.int16], thin: Mask, spacing_mm: tuple[float, float, float]
) -> list[int]:
    """Remove the wide and solid parts of `thin` from one slice, (h, w)."""
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    wide = ndimage.binary_opening(thin, iterations=max(1, round(RIM_MM / spacing_mm[1])))
    parts, count = ndimage.label(wide)
    removed = []
    for number in range(1, count + 1):
        part = parts == number
        size = int(np.count_nonzero(part))
        if size * pixel_mm2 >= AREA_MM2 and float(hu[part].mean()) > SOLID_HU:
            rim = ndimage.binary_dilation(part, iterations=max(1, round(RIM_MM / spacing_mm[1])), mask=thin)
            labels[rim] = 0
            removed.append(int(np.count_nonzero(rim)))
    return removed
