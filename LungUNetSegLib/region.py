"""Crops a scan to the lungs' box, and reduces the contrast of other tissue in it.

After Wang 2020 (doi:10.1183/13993003.00775-2020), verified against that work's public code: which slices and pixels
its box contains, how it suppresses other tissue, and the size of its network's input. There the mask has 256 x 256
pixels and its box is scaled to the image and truncated; here the mask lies on the scan's own grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import zoom

from LungUNetSegLib.arrays import Float32, Mask
from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.volume import Geometry, Volume, bounding_box

LEAST_AREA = 0.03
"""A slice with a smaller share of the largest slice's lung area is ignored (Wang 2020)."""

LEAST_SLICES = 3
LEAST_PIXELS = 60
"""Smaller boxes are refused (Wang 2020)."""

PERCENTILE = 95.0
DEVIATIONS = 4.0
"""Values outside the lungs are clipped to this many standard deviations around the lungs' mean (Wang 2020)."""

WHOLE_LUNG_SIZE = (48, 240, 360)
"""(slices, rows, columns) of the network input in Wang 2020."""


@dataclass(frozen=True)
class Box:
    """A box of voxels.

    Attributes:
        start: First voxel along each axis of the array.
        stop: One past the last.
    """

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index of an array."""
        first, second, third = (slice(low, high) for low, high in zip(self.start, self.stop, strict=True))
        return first, second, third


def lung_box(lungs: Volume, margin_mm: float = 0.0) -> Box:
    """Return the smallest box around the lungs, with a margin.

    Args:
        lungs: A label map; any value above 0 is lung.
        margin_mm: Added on every side, rounded up to whole voxels, and limited to the scan.

    Raises:
        DataError: The mask is empty, or the margin below 0 or no number.
    """
    if not 0 <= margin_mm < float("inf"):
        raise DataError(f"The margin around the lungs must be a number of at least 0 mm, got {margin_mm}.")
    extents = _extents(lungs.array > 0)
    margins = [int(np.ceil(margin_mm / spacing - 1e-6)) for spacing in lungs.geometry.spacing_mm]
    start = [max(0, low - margin) for (low, _), margin in zip(extents, margins, strict=True)]
    ends = zip(extents, margins, lungs.array.shape, strict=True)
    stop = [min(size, high + margin) for (_, high), margin, size in ends]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def lung_box_of_wang(lungs: Volume) -> Box:
    """Return the box as defined by Wang 2020.

    A slice counts if it has at least 3 % of the largest slice's lung; it is used if its neighbours count too. All from
    the first to the last such slice are taken. Within slices the box is the one around the whole mask, without margin.

    Args:
        lungs: A label map; any value above 0 is lung. Its slices may lie along any of its axes.

    Raises:
        DataError: The mask is empty, or the box has fewer than 3 slices or than 60 pixels a side.
    """
    canonical = lungs.canonical()
    mask = canonical.array > 0
    _, rows, columns = _extents(mask)
    area = mask.sum(axis=(1, 2))
    counts = area >= LEAST_AREA * area.max()
    padded = np.pad(counts, 1, constant_values=True)  # slices beyond the ends do not exist
    used = np.flatnonzero(counts & padded[:-2] & padded[2:])
    height, width, depth = rows[1] - rows[0], columns[1] - columns[0], int(np.ptp(used)) + 1 if used.size else 0
    if depth < LEAST_SLICES or min(height, width) < LEAST_PIXELS:
        raise DataError(
            f"The lungs fill {depth} slices of {height} x {width} pixels; Wang 2020 leaves out scans with fewer than "
            f"{LEAST_SLICES} slices or {LEAST_PIXELS} pixels a side. Take a box with a margin in mm, or the whole scan."
        )
    return _own_axes(((int(used[0]), int(used[-1]) + 1), rows, columns), lungs.geometry)


def crop(volume: Volume, box: Box) -> Volume:
    """Return the part of a volume in a box, at its position in the patient; the array is a view.

    Raises:
        GeometryError: The box reaches beyond the volume.
    """
    inside = all(
        0 <= low < high <= size for low, high, size in zip(box.start, box.stop, volume.array.shape, strict=True)
    )
    if not inside:
        raise GeometryError(f"The box from {box.start} to {box.stop} does not lie in a volume of {volume.array.shape}.")
    part = volume.array[box.slices]
    affine = np.array(volume.geometry.affine_lps)
    affine[:3, 3] = volume.geometry.to_lps(box.start)
    return Volume(part, Geometry((part.shape[0], part.shape[1], part.shape[2]), affine))


def suppress_outside(hu: npt.NDArray[np.generic], lung: Mask) -> Float32:
    """Reduce the contrast of tissue outside the lungs without erasing it: inflamed tissue at the wall stays visible.

    The steps of Wang 2020: values above the 95th percentile are set to it; outside the lungs values are clipped to 4
    standard deviations around the lungs' mean; inside they do not change.

    Args:
        hu: (D, H, W), the crop around the lungs.
        lung: (D, H, W).

    Raises:
        DataError: No voxel is lung.
    """
    if not lung.any():
        raise DataError("The mask has no lung in the crop.")
    values = hu.astype(np.float32)
    np.minimum(values, np.percentile(values, PERCENTILE), out=values)
    inside = values[lung].astype(np.float64)
    mean, reach = inside.mean(), DEVIATIONS * inside.std()
    return np.where(lung, values, values.clip(mean - reach, mean + reach)).astype(np.float32)


def whole_lung_input(values: Float32, size: tuple[int, int, int] = WHOLE_LUNG_SIZE) -> Float32:
    """Return the network input of Wang 2020: a fixed size by cubic interpolation, mean 0, standard deviation 1.

    Args:
        values: (D, H, W) from `suppress_outside`, with axes (head, back, left).
        size: (slices, rows, columns).
    """
    factors = [wanted / given for wanted, given in zip(size, values.shape, strict=True)]
    resized = zoom(values.astype(np.float32), factors, order=3, mode="nearest")
    resized = resized.clip(values.min(), values.max())  # cubic interpolation overshoots at edges
    centred = resized - resized.mean(dtype=np.float64)
    deviation = centred.std(dtype=np.float64)
    result: Float32 = (centred / (deviation if deviation > 0 else 1.0)).astype(np.float32)
    return result


Extents = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def _extents(mask: Mask) -> Extents:
    """Return the first and one past the last voxel along each axis."""
    if not mask.any():
        raise DataError("The mask is empty: there is no lung to put a box around.")
    first, second, third = ((axis.start, axis.stop) for axis in bounding_box(mask))
    return first, second, third


def _own_axes(extents: Extents, geometry: Geometry) -> Box:
    """Convert a box along a grid's canonical axes to the grid's own axes."""
    axes, flips = geometry.canonical_axes()
    start, stop = [0, 0, 0], [0, 0, 0]
    for (low, high), axis, flip in zip(extents, axes, flips, strict=True):
        size = geometry.shape[axis]
        start[axis], stop[axis] = (size - high, size - low) if flip else (low, high)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
