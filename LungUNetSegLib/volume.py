"""A scan or a label map in space: an array and its geometry.

Axis order is (slice, row, column) throughout the library; positions are in the patient's LPS frame in mm
(+x to the patient's left, +y to the back, +z to the head; DICOM PS3.3 C.7.6.2.1.1). Slicer's RAS exists only in
the Slicer module's volume bridge.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import GeometryError

FloatArray = npt.NDArray[np.float64]

AIR_HU = -1024
"""What lies outside a scan, and the least HU that this library keeps."""

CORNER_TOLERANCE_MM = 0.01
"""Two grids are one when all corners agree to this: far below a voxel, above NIfTI's float32 rounding."""

GRID_TOLERANCE_MM = 0.1
"""Corners of two grids that lie this close are one grid whose numbers were rounded on the way through files."""

ANGLE_TOLERANCE = 1e-3
"""Cosine up to which two axes are at right angles: 0.06 degrees, half a pixel over a body's width."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where a (slice, row, column) grid lies in the patient.

    Attributes:
        shape: (D, H, W), each at least 1.
        affine_lps: 4x4 float64; maps (slice, row, column, 1) voxel-centre indices to (x, y, z, 1) in LPS mm.
    """

    shape: tuple[int, int, int]
    affine_lps: FloatArray

    def __post_init__(self) -> None:
        shape = tuple(int(size) for size in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"A grid needs three sizes of at least 1, got {self.shape}.")
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError(f"An affine is a finite 4x4 matrix, got {self.affine_lps!r}.")
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        regular = lengths.all() and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-6
        if not regular or not np.array_equal(affine[3], (0, 0, 0, 1)):
            raise GeometryError(f"The affine is singular or not affine: {affine.tolist()}.")
        affine.setflags(write=False)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine_lps", affine)

    @classmethod
    def axial(
        cls,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
        origin_lps: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> Geometry:
        """Return an axis-aligned grid: slices to the head, rows to the back, columns to the patient's left.

        Args:
            shape: (D, H, W).
            spacing_mm: (slice, row, column) distances between voxel centres.
            origin_lps: Centre of voxel (0, 0, 0).
        """
        affine = np.eye(4)
        affine[:3, :3] = np.fliplr(np.diag(spacing_mm[::-1]))
        affine[:3, 3] = origin_lps
        return cls(shape, affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (slice, row, column)."""
        norms = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(norms[0]), float(norms[1]), float(norms[2])

    @property
    def directions(self) -> FloatArray:
        """3x3; column a is the LPS unit vector along array axis a."""
        unit: FloatArray = self.affine_lps[:3, :3] / np.array(self.spacing_mm)
        return unit

    @property
    def is_orthogonal(self) -> bool:
        """Whether the axes are at right angles, as ITK, NIfTI and Slicer need them; a tilted gantry's are not."""
        return bool(np.allclose(self.directions.T @ self.directions, np.eye(3), atol=ANGLE_TOLERANCE))

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.affine_lps[:3, :3])) / 1000.0)

    @property
    def obliquity_degrees(self) -> float:
        """Largest angle between an array axis and the body axis nearest to it; 0 for an axis-aligned scan."""
        nearest = np.abs(self.directions).max(axis=0).clip(0.0, 1.0)
        return float(np.degrees(np.arccos(nearest)).max())

    @property
    def orientation(self) -> str:
        """Whither (slice, row, column) run, as letters: R or L, A or P, I or S; "SPL" is to head, back and left."""
        letters = ("RL", "AP", "IS")
        nearest = np.abs(self.directions).argmax(axis=0)
        return "".join(letters[lps][int(self.directions[lps, axis] > 0)] for axis, lps in enumerate(nearest))

    def to_lps(self, index: npt.ArrayLike) -> FloatArray:
        """Map (..., 3) voxel indices (slice, row, column) to (..., 3) LPS mm."""
        points: FloatArray = np.asarray(index, float) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]
        return points

    def to_index(self, lps: npt.ArrayLike) -> FloatArray:
        """Map (..., 3) LPS mm to (..., 3) fractional voxel indices (slice, row, column)."""
        inverse = np.linalg.inv(self.affine_lps[:3, :3])
        index: FloatArray = (np.asarray(lps, float) - self.affine_lps[:3, 3]) @ inverse.T
        return index

    def corners_lps(self) -> FloatArray:
        """(8, 3) LPS positions of the corner voxels' centres."""
        return self.to_lps(list(itertools.product(*((0, size - 1) for size in self.shape))))

    def matches(self, other: Geometry, tolerance_mm: float = CORNER_TOLERANCE_MM) -> bool:
        """Whether both grids have the same shape and the same voxels in space."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners_lps() - other.corners_lps()).max() <= tolerance_mm)

    def canonical_axes(self) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """How to reorder this grid so that its axes run nearest to (head, back, left).

        Returns:
            ``axes`` and ``flips``: ``array.transpose(axes)`` and then reversal of each axis a where ``flips[a]``.
        """
        strength = np.abs(self.directions)  # (LPS, array axis)
        # The assignment of array axes to (z, y, x) with the greatest agreement; 6 are possible.
        axes = max(itertools.permutations(range(3)), key=lambda p: strength[(2, 1, 0), p].sum())
        flips = tuple(bool(self.directions[lps, axis] < 0) for lps, axis in zip((2, 1, 0), axes, strict=True))
        return (axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2])

    def reordered(self, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Geometry:
        """Return the grid of ``array.transpose(axes)`` with each new axis a reversed where ``flips[a]``."""
        affine = np.eye(4)
        affine[:3, :3] = self.affine_lps[:3, list(axes)]
        affine[:3, 3] = self.affine_lps[:3, 3]
        shape = tuple(self.shape[axis] for axis in axes)
        for axis, flip in enumerate(flips):
            if flip:
                affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
                affine[:3, axis] *= -1
        return Geometry((shape[0], shape[1], shape[2]), affine)


@dataclass(frozen=True, eq=False)
class Volume:
    """An array on its grid: a scan (int16, HU) or a label map (uint8; 1 = patient's right lung, 2 = left).

    Attributes:
        array: (D, H, W), of the geometry's shape.
        geometry: Its place in the patient.
    """

    array: npt.NDArray[Any]
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise GeometryError(f"The array is {self.array.shape}, its grid {self.geometry.shape}.")

    def _repr_html_(self) -> str:
        """Say in a notebook what this is: size, spacing, orientation, place and values."""
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
        """Return a view with axes nearest to (head, back, left); no voxel is copied or resampled."""
        axes, flips = self.geometry.canonical_axes()
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
        return Volume(self.array.transpose(axes)[steps], self.geometry.reordered(axes, flips))


def restore_axes(array: npt.NDArray[Any], scan: Geometry) -> npt.NDArray[Any]:
    """Undo `Volume.canonical`: bring an array on ``scan``'s canonical axes back to the scan's own axes."""
    axes, flips = scan.canonical_axes()
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return array[steps].transpose(np.argsort(axes))


def to_hu(array: npt.NDArray[Any], *, in_place: bool = False) -> npt.NDArray[np.int16]:
    """Return intensities as int16 HU: rounded, NaN and padding below -1024 as air, at most 32767.

    Scanners mark pixels outside the field of view with values such as -2000 or -3024; they are air to everyone
    who computes with them.

    Args:
        array: Intensities of any type.
        in_place: Change an int16 array itself, which saves a copy.
    """
    low, high = AIR_HU, np.iinfo(np.int16).max
    if array.dtype.kind == "f":
        array = np.rint(np.nan_to_num(array, nan=low, posinf=high, neginf=low))
    out = array if in_place and array.dtype == np.int16 else None
    hu: npt.NDArray[np.int16] = np.clip(array, low, high, out=out).astype(np.int16, copy=False)
    return hu


def bounding_box(mask: npt.NDArray[Any], margin: int = 0) -> tuple[slice, slice, slice]:
    """Return the least box that holds every non-zero voxel of a 3D array and `margin` voxels around, as far as it goes.

    The box has size 0 when the array is zero.
    """
    plane = np.any(mask, axis=0)
    ranges = []
    for hit in (np.any(mask, axis=(1, 2)), np.any(plane, axis=1), np.any(plane, axis=0)):
        where = np.flatnonzero(hit)
        first, last = (int(where[0]), int(where[-1])) if where.size else (margin, -margin - 1)
        ranges.append(slice(max(first - margin, 0), last + margin + 1))
    return ranges[0], ranges[1], ranges[2]
