"""Removes solid tissue that the network called lung in one or two slices, and not above and below.

A liver may look like an opaque lung in a slice, and not in the next. No lung, however dense, begins and ends within a
few millimetres over a wide area.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.segmentation.probabilities import Slices
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import bounding_box_of_planes

THICKNESS_MM = 12.0
"""Lung that is thicker along the body's length is left alone."""

AREA_MM2 = 500.0
"""Lung of a smaller area in its slice is left alone, too: the tips of lungs, the rims of domes."""

RIM_MM = 4.5
"""Narrower strips do not count: where a lung's surface slants, its rim is thin."""

SOLID_HU = -300.0
"""Aerated lung has less on average: its thin parts, such as the middle lobe over the heart, are left alone."""

Counts = npt.NDArray[np.unsignedinteger[Any]]


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
    return [
        size for side in (RIGHT_LUNG, LEFT_LUNG) for size in _drop_plates(labels, side, hu, spacing_mm, slices, is_cut)
    ]


def _drop_plates(
    labels: Labels,
    side: int,
    hu: Slices,
    spacing_mm: tuple[float, float, float],
    slices: int,
    is_cut: tuple[bool, bool],
) -> list[int]:
    """Remove solid plates of fewer slices from one lung in place; return the voxels of each."""
    removed, rim = [], max(1, round(RIM_MM / spacing_mm[1]))
    _, rows, columns = bounding_box_of_planes(plane == side for plane in labels)
    lung = labels[:, rows, columns]
    below = _slices_below(lung, side, slices, is_cut[0])
    above = np.full(lung.shape[1:], slices * is_cut[1], below.dtype)
    for number in reversed(range(len(lung))):
        inside = lung[number] == side
        above = _one_more(above, inside, slices)
        thin = inside & (below[number] + above <= slices)  # both count this slice
        for part in _wide_parts(thin, rim, math.ceil(AREA_MM2 / (spacing_mm[1] * spacing_mm[2]))):
            if float(hu[number][rows, columns][part].mean()) > SOLID_HU:
                plate = ndimage.binary_dilation(part, iterations=rim, mask=thin)
                lung[number][plate] = 0
                removed.append(int(np.count_nonzero(plate)))
    return removed


def _slices_below(lung: Labels, side: int, most: int, is_cut: bool) -> Counts:
    """Return through how many slices up to each voxel, itself included, the lung reaches without a gap."""
    below = np.empty(lung.shape, np.min_scalar_type(2 * most))
    reached = np.full(lung.shape[1:], most * is_cut, below.dtype)
    for number, plane in enumerate(lung):
        below[number] = reached = _one_more(reached, plane == side, most)
    return below


def _one_more(reached: Counts, inside: Mask, most: int) -> Counts:
    """Count a slice where it is lung, up to `most`, and begin again elsewhere."""
    return np.minimum(reached + 1, most) * inside


def _wide_parts(thin: Mask, rim: int, least: int) -> list[Mask]:
    """Return the connected parts of at least so many pixels that are left of (h, w) without strips."""
    if np.count_nonzero(thin) < least:
        return []
    parts, count = ndimage.label(ndimage.binary_opening(thin, iterations=rim))
    wide = (parts == number for number in range(1, count + 1))
    return [part for part in wide if np.count_nonzero(part) >= least]
