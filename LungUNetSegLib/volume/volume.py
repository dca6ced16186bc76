"""Defines volumes, which are scans or label maps in space: an array and its geometry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.volume.geometry import Geometry

AIR_HU = -1024
"""The value outside a scan, and the lowest HU that this library stores."""

BODY_HU = -300
"""Voxels above are body (or table) rather than air or lung."""

SliceBox = tuple[slice, slice, slice]
"""A box in an array, of which it is the index."""


@dataclass(frozen=True, eq=False)
class Volume:
    """An array on its grid: a scan (int16, HU) or a label map (uint8; 1 = patient's right lung, 2 = left).

    Attributes:
        array: (D, H, W), of the geometry's shape.
        geometry: Its position in the patient.
    """

    array: npt.NDArray[Any]
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise GeometryError(f"The array is {self.array.shape}, its grid {self.geometry.shape}.")

    def _repr_html_(self) -> str:
        """Show size, spacing, orientation, position and values in a notebook."""
        geometry = self.geometry
        spacing = " x ".join(f"{each:.3g}" for each in geometry.spacing_mm)
        origin = ", ".join(f"{each:.1f}" for each in geometry.affine_lps[:3, 3])
        rows = {
            "voxels (slice, row, column)": " x ".join(map(str, geometry.shape)),
            "spacing": f"{spacing} mm",
            "orientation": geometry.orientation,
            "voxel (0, 0, 0) in LPS": f"{origin} mm",
            "values": f"{self.array.dtype}, {self.array.min()} to {self.array.max()}",
        }
        return (
            "<table>" + "".join(f"<tr><td>{name}</td><td>{text}</td></tr>" for name, text in rows.items()) + "</table>"
        )

    def canonical(self) -> Volume:
        """Return a view with axes closest to (head, back, left); no voxel is copied or resampled."""
        axes, flips = self.geometry.canonical_axes()
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
        return Volume(self.array.transpose(axes)[steps], self.geometry.reordered(axes, flips))

    def thinned(self, step_mm: tuple[float, float, float]) -> Volume:
        """Return a canonical view of the first voxel and of one about every `step_mm` (head, back, left) from it on."""
        volume = self.canonical()
        steps = [max(1, round(step / own)) for step, own in zip(step_mm, volume.geometry.spacing_mm, strict=True)]
        array = volume.array[tuple(slice(None, None, step) for step in steps)]
        affine = volume.geometry.affine_lps @ np.diag([*steps, 1.0])
        return Volume(array, Geometry(array.shape, affine))


def to_hu(array: npt.NDArray[Any], *, in_place: bool = False) -> npt.NDArray[np.int16]:
    """Return intensities as int16 HU: rounded, with NaN and padding below -1024 as air, at most 32767.

    Scanners mark pixels outside the field of view with values such as -2000 or -3024; they are treated as air.

    Args:
        array: Intensities of any type.
        in_place: Integers may be changed in place, which saves a copy.
    """
    low, high = AIR_HU, np.iinfo(np.int16).max
    if array.dtype.kind == "f":
        array = np.rint(np.nan_to_num(array, nan=low, posinf=high, neginf=low))
    out = array if in_place and array.dtype in (np.int16, np.int32) else None
    hu: npt.NDArray[np.int16] = np.clip(array, low, high, out=out).astype(np.int16, copy=False)
    return hu


def bounding_box(mask: npt.NDArray[Any], margin: int = 0) -> SliceBox:
    """Return the smallest box with all non-zero voxels of a 3D array and `margin` voxels around, within the array.

    The box has size 0 if all voxels are zero.
    """
    plane = np.any(mask, axis=0)
    return _box(np.any(mask, axis=(1, 2)), plane, margin)


def bounding_box_of_planes(planes: Iterable[npt.NDArray[np.bool_]], margin: int = 0) -> SliceBox:
    """Return `bounding_box` of planes that are made one after the other: all of a scan take a hundred MB."""
    used, seen = [], np.zeros((1, 1), np.bool_)
    for plane in planes:
        used.append(bool(plane.any()))
        seen = seen | plane
    return _box(np.array(used, np.bool_), seen, margin)


def _box(used: npt.NDArray[np.bool_], plane: npt.NDArray[np.bool_], margin: int) -> SliceBox:
    """Return the box of the used planes and of the pixels that are used in any."""
    ranges = []
    for hit in (used, np.any(plane, axis=1), np.any(plane, axis=0)):
        where = np.flatnonzero(hit)
        first, last = (int(where[0]), int(where[-1])) if where.size else (margin, -margin - 1)
        ranges.append(slice(max(first - margin, 0), last + margin + 1))
    return ranges[0], ranges[1], ranges[2]
