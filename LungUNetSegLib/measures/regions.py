"""Divides a lung into regions by the patient's axes and by the distance from the pleura.

Each lung is divided separately, along the patient's axes, whatever the directions of the array's axes:

- thirds by height: its extent from feet to head in three equal parts;
- thirds by volume: planes across the body's long axis that leave a third of its volume below, between and above;
- halves: its extent from front to back in two equal parts, ventral and dorsal;
- peel and core: within `PEEL_MM` of the surface of its mask, and deeper (`peel`).

Heights and depths are counted in steps of slices and rows, so that no slice of a straight scan is divided by height.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.measures.peel import Ends, Places, find_peel
from LungUNetSegLib.volume import Geometry, SliceBox, Volume, bounding_box_of_planes

Integers = npt.NDArray[np.int32]
Codes = npt.NDArray[np.uint8]
"""What `LungRegions.codes` gives, or adds up."""

THIRDS = ("basal", "middle", "apical")
HALVES = ("ventral", "dorsal")
DEPTHS = ("core", "peel")

REGIONS = (
    *(f"{third}_third_by_height" for third in reversed(THIRDS)),
    *(f"{third}_third_by_volume" for third in reversed(THIRDS)),
    *HALVES,
    *DEPTHS,
)

SHAPE = (3, 3, 2, 2)
"""A voxel's code counts thirds by height, thirds by volume, halves and depths, as an array of this shape does."""

CODES = math.prod(SHAPE)

SLAB_VOXELS = 250_000
"""Number of voxels that are processed at once; about 40 bytes of memory for each."""


def parts_of(name: str) -> tuple[int, int]:
    """Return a region's axis in `SHAPE` and its index there."""
    if name in HALVES:
        return 2, HALVES.index(name)
    if name in DEPTHS:
        return 3, DEPTHS.index(name)
    third, _, by = name.split("_", 2)
    return int(by == "by_volume"), THIRDS.index(third)


@dataclass(frozen=True, eq=False)
class LungRegions:
    """The regions of one lung, which give the codes of its voxels.

    Attributes:
        tilt: (H, W) steps of height that a voxel's row and column add to its slice's number; with one row or column
            where all are alike, as in straight scans.
        slant: (D, W) steps of depth that its slice and column add to its row's number; with one column likewise.
        lowest: The smallest height of the lung's voxels, in steps.
        height_codes: What each height, from the lowest on, adds to a voxel's code.
        foremost: The smallest depth, in steps.
        depth_codes: What each depth, from the foremost on, adds to a voxel's code.
        peel: 1 within the peel, on a grid of `GRID_MM`.
        places: For each axis the index in `peel` of each voxel.
    """

    tilt: Integers
    slant: Integers
    lowest: int
    height_codes: Codes
    foremost: int
    depth_codes: Codes
    peel: Labels
    places: Places

    def codes(self, slices: slice) -> Codes:
        """Return the (n, H, W) codes of some slices, below `CODES`; they are defined only inside the lung."""
        along, rows_at, columns_at = self.places
        numbers = np.arange(slices.start, slices.stop, dtype=np.int32)
        heights = numbers[:, None, None] + (self.tilt - self.lowest)[None]
        rows = np.arange(len(rows_at), dtype=np.int32) - self.foremost
        depths = rows[None, :, None] + self.slant[slices, None]
        first, last = along[slices.start], along[slices.stop - 1]
        # Rows of the peel's grid are enlarged once for all rows and slices that repeat them.
        enlarged = self.peel[first : last + 1].take(columns_at, axis=2)
        codes: Codes = enlarged[(along[slices] - first)[:, None], rows_at]
        codes += self.height_codes.take(heights, mode="clip") + self.depth_codes.take(depths, mode="clip")
        return codes


@dataclass(frozen=True, eq=False)
class HeightThirds:
    """The thirds by height of one lung.

    Attributes:
        tilt: As in `LungRegions`.
        lowest: Likewise.
        levels: How many steps of height the lung has.
    """

    tilt: Integers
    lowest: int
    levels: int

    def at(self, index: Sequence[int]) -> str:
        """Return which of `THIRDS` a voxel (slice, row, column) lies in, or nearest to."""
        row, column = (min(place, size - 1) for place, size in zip(index[1:], self.tilt.shape, strict=True))
        height = index[0] + int(self.tilt[row, column]) - self.lowest
        return THIRDS[_third(min(max(height, 0), self.levels - 1), self.levels)]


def height_thirds(labels: Volume, label: int) -> HeightThirds | None:
    """Return the thirds by height of a lung, those of `divide`; None without a voxel.

    Args:
        labels: On axes nearest to (head, back, left).
        label: The lung's value.
    """
    tilt, slant = _steps(labels.geometry)
    heights = np.flatnonzero(_extent(labels.array, label, tilt, slant)[0])
    if not heights.size:
        return None
    return HeightThirds(tilt, int(heights[0] + tilt.min()), int(heights[-1] - heights[0]) + 1)


def divided(labels: Volume, label: int) -> tuple[SliceBox, LungRegions] | None:
    """Return the bounding box of a lung and its regions in it; None without a voxel.

    Args:
        labels: On axes nearest to (head, back, left).
        label: The lung's value.
    """
    box = bounding_box_of_planes(values == label for values in labels.array)
    lung = labels.array[box]
    if not lung.size:
        return None
    ends = [(each.start == 0, each.stop == size) for each, size in zip(box, labels.array.shape, strict=True)]
    geometry = Geometry((lung.shape[0], lung.shape[1], lung.shape[2]), labels.geometry.affine_lps)
    return box, divide(lung, label, geometry, ends)


def slabs(lung: Labels) -> Iterator[slice]:
    """Yield ranges of the slices of a lung's box, so small that little memory is needed."""
    step = max(1, SLAB_VOXELS // lung[0].size)
    for start in range(0, len(lung), step):
        yield slice(start, min(start + step, len(lung)))


def divide(labels: Labels, label: int, geometry: Geometry, ends: Ends) -> LungRegions:
    """Return the regions of a lung.

    Args:
        labels: (D, H, W), the lung's box, on axes nearest to (head, back, left).
        label: The lung's value, which must occur.
        geometry: The box's grid.
        ends: Where the scan ends.
    """
    tilt, slant = _steps(geometry)
    counts, foremost, hindmost = _extent(labels, label, tilt, slant)
    lowest = int(np.flatnonzero(counts)[0])
    counts = np.trim_zeros(counts)
    levels = len(counts)
    by_height = _third(np.arange(levels), levels)
    reached = np.cumsum(counts)
    by_volume = (3 * (2 * reached - counts)) // (2 * reached[-1])
    rows = hindmost - foremost + 1
    halves = (2 * np.arange(rows) + 1) // rows
    peel, places = find_peel(labels, label, geometry, ends)
    return LungRegions(
        tilt=tilt,
        slant=slant,
        lowest=lowest + int(tilt.min()),
        height_codes=(12 * by_height + 4 * by_volume).astype(np.uint8),
        foremost=foremost,
        depth_codes=(2 * halves).astype(np.uint8),
        peel=peel,
        places=places,
    )


def _third(step: Any, steps: int) -> Any:
    """Return in which third of so many steps one lies, or each of an array."""
    return (3 * (2 * step + 1)) // (2 * steps)


def _steps(geometry: Geometry) -> tuple[Integers, Integers]:
    """Return `tilt` and `slant` of `LungRegions` for a grid with axes nearest to (head, back, left)."""
    depth, height, width = geometry.shape
    (_, _, _), (y_slice, y_row, y_column), (z_slice, z_row, z_column) = geometry.affine_lps[:3, :3]
    slices, rows, columns = (np.arange(size, dtype=np.float64) for size in (depth, height, width))
    tilt = np.rint((z_row * rows[:, None] + z_column * columns) / z_slice)
    slant = np.rint((y_slice * slices[:, None] + y_column * columns) / y_row)
    return _narrowed(_narrowed(tilt.astype(np.int32), 0), 1), _narrowed(slant.astype(np.int32), 1)


def _narrowed(steps: Integers, axis: int) -> Integers:
    """Return the first row or column alone if all are alike."""
    first = steps.take([0], axis)
    return first if (steps == first).all() else steps


def _extent(labels: Labels, label: int, tilt: Integers, slant: Integers) -> tuple[npt.NDArray[np.int64], int, int]:
    """Return the number of voxels at each height, from ``tilt.min()`` on, and the smallest and the largest depth."""
    tilt = tilt - tilt.min()
    alike = tuple(axis for axis in (0, 1) if tilt.shape[axis] == 1)
    counts = np.zeros(len(labels) + int(tilt.max()) + 1, np.int64)
    far = np.iinfo(np.int32).max
    foremost, hindmost = far, -far
    for number, values in enumerate(labels):
        plane = values == label
        here = np.bincount(tilt.ravel(), np.count_nonzero(plane, axis=alike, keepdims=True).ravel())
        counts[number : number + len(here)] += here.astype(np.int64)
        if not here.any():
            continue
        strip = plane if slant.shape[1] > 1 else plane.any(axis=1, keepdims=True)
        used = np.flatnonzero(strip.any(axis=0))
        strip = strip[:, used]
        first, last = strip.argmax(axis=0), len(plane) - 1 - strip[::-1].argmax(axis=0)
        foremost = min(foremost, int((first + slant[number, used]).min()))
        hindmost = max(hindmost, int((last + slant[number, used]).max()))
    return counts, foremost, hindmost
