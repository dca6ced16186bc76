"""Follows the ribs from slice to slice: in every part of a chest they descend from the spine to the front.

So the cuts through them lie further back the nearer a slice is to the head. Where they lie further in front, the header
has exchanged head and feet, or front and back. Parts of a chest show this too, without either end of the lungs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume

STEP_MM = (5.0, 2.0, 2.0)
RIB_HU = 150
"""Ribs lie above; the limit is lower than for the spine, as a rib is thin."""

WALL_MM = 30.0
"""Ribs lie at most so far outside the lung."""

MOST_SHIFT_MM = 14.0
"""Largest shift of ribs between two slices: about half of the distance from a rib to the next."""

FINE_MM, COARSE_MM = 3.0, 25.0
"""Standard deviations of the blur that joins the cuts of two slices, and of the mean that is subtracted."""

LEAST_HEIGHT_MM = 50.0
"""Parts of a lung of less height show too little of its ribs."""

LEAST_RISE = 0.1
"""Least rise that shows a direction. In our scans the mean of both lungs is 0.24 to 0.64, in 148 parts of them of 50 mm
0.14 and more, and as much below 0 if head and feet are exchanged. One lung alone has less in 2 of 292 such parts, never
below -0.06."""

LEAST_DIFFERENCE = 0.1
"""Least difference of the rises, without their signs, at a lung's outer wall and at the mediastinum. In 690 parts of
our scans' lungs, of 50 to 120 mm and cropped to 12 mm around the lung, the outer wall has more by this much in 97 %,
and never 0.05 less."""


def ribs_rise_backward(scan: Volume, labels: Volume) -> bool | None:
    """Return whether the ribs lie further back towards the head, as they do; None if that cannot be told.

    Args:
        scan: HU.
        labels: 1 right and 2 left lung on the same grid, or 1 for both.
    """
    thinned = labels.thinned(STEP_MM)
    hu, lungs, step_mm = scan.thinned(STEP_MM).array, thinned.array, thinned.geometry.spacing_mm
    rises = [
        rise
        for lung, outward in ((RIGHT_LUNG, -1), (LEFT_LUNG, 1))
        if (rise := _rise(hu[:, :, ::-outward], lungs[:, :, ::-outward] == lung, step_mm)) is not None
    ]
    if not rises or abs(np.mean(rises)) < LEAST_RISE:
        return None
    return bool(np.mean(rises) > 0)


def side_by_ribs(hu: npt.NDArray[np.int16], lung: Mask, step_mm: tuple[float, float, float]) -> int | None:
    """Return the label of a lung that is alone in a scan, by the side on which it has ribs; None if neither is plain.

    Args:
        hu: (head, back, left) HU, of about `STEP_MM`.
        lung: Of the same shape.
        step_mm: Of the three axes.
    """
    right, left = (abs(_rise(hu[:, :, ::inward], lung[:, :, ::inward], step_mm) or 0.0) for inward in (1, -1))
    if abs(right - left) < LEAST_DIFFERENCE:
        return None
    return RIGHT_LUNG if right > left else LEFT_LUNG


def _rise(hu: npt.NDArray[np.int16], lung: Mask, step_mm: tuple[float, float, float]) -> float | None:
    """Return how much better the ribs of each slice fit those above it moved back than moved forward, -1 to 1.

    Args:
        hu: (head, back, inward) HU, so that the ribs lie before the lung's first voxel of each row.
        lung: Of the same shape.
        step_mm: Of the three axes.
    """
    used = np.flatnonzero(lung.any(axis=(1, 2)))
    if len(used) * step_mm[0] < LEAST_HEIGHT_MM:
        return None
    place = slice(used[0], used[-1] + 1)
    ribs = _ribs_by_row(hu[place], lung[place], step_mm)
    energy = float(np.sqrt(np.square(ribs[:-1]).sum() * np.square(ribs[1:]).sum()))
    if not energy:
        return None
    shifts = range(1, max(1, round(MOST_SHIFT_MM / step_mm[1])) + 1)
    back = max(float((ribs[:-1, :-shift] * ribs[1:, shift:]).sum()) for shift in shifts)
    forward = max(float((ribs[:-1, shift:] * ribs[1:, :-shift]).sum()) for shift in shifts)
    return (back - forward) / energy


def _ribs_by_row(hu: npt.NDArray[np.int16], lung: Mask, step_mm: tuple[float, float, float]) -> FloatArray:
    """Return the share of bone outside the lung in each (slice, row), above the mean of the rows around it."""
    has_lung = np.asarray(lung.any(axis=2))
    outside = lung.argmax(axis=2)[..., None] - np.arange(1, round(WALL_MM / step_mm[2]) + 1)
    values = np.take_along_axis(hu, np.maximum(outside, 0), axis=2)
    bone = ((values > RIB_HU) & (outside >= 0) & has_lung[..., None]).mean(axis=2)
    blurred = ndimage.gaussian_filter1d(bone, FINE_MM / step_mm[1], axis=1)
    detail: FloatArray = blurred - ndimage.gaussian_filter1d(blurred, COARSE_MM / step_mm[1], axis=1)
    detail[~has_lung] = 0
    return detail
