"""Defines the position of a grid of voxels in the patient.

Axis order is (slice, row, column) throughout the library; positions are in the patient's LPS frame in mm
(+x to the patient's left, +y to the back, +z to the head; DICOM PS3.3 C.7.6.2.1.1). `ras` has the matrices to
Slicer's and NIfTI's space.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import GeometryError

CORNER_TOLERANCE_MM = 0.01
"""Two grids are equal if all corners agree within this: far below a voxel, above NIfTI's float32 rounding."""

GRID_TOLERANCE_MM = 0.1
"""Grids whose corners are this close are treated as equal, with differences due to rounding in files."""

ANGLE_TOLERANCE = 1e-3
"""Largest cosine between orthogonal axes: 0.06 degrees, half a pixel over a body's width."""


def slice_number(index: int) -> int:
    """Return the number by which people are told a slice: from 1, at the feet.

    Arrays, JSON and CSV count from 0; panel, page, reports and sentences from 1, as scanners and viewers do.
    """
    return index + 1


def slice_index(number: int) -> int:
    """Return the index from 0 of a slice that people know by its number."""
    return number - 1


@dataclass(frozen=True, eq=False)
class Geometry:
    """The position of a (slice, row, column) grid in the patient.

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

    @cached_property
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
        """Whether the axes are orthogonal, as ITK, NIfTI and Slicer require; a tilted gantry's are not."""
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
        """Directions of (slice, row, column) as letters: R or L, A or P, I or S; "SPL" is to head, back and left."""
        letters = ("RL", "AP", "IS")
        nearest = np.abs(self.directions).argmax(axis=0)
        return "".join(letters[lps][int(self.directions[lps, axis] > 0)] for axis, lps in enumerate(nearest))

    def to_lps(self, index: npt.ArrayLike) -> FloatArray:
        """Map (..., 3) voxel indices (slice, row, column) to (..., 3) LPS mm."""
        points: FloatArray = np.asarray(index, float) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]
        return points

    def slice_centre_lps(self, index: npt.ArrayLike) -> FloatArray:
        """Map (...) slice indices, from 0, to the (..., 3) LPS mm of the slices' middles."""
        number = np.asarray(index, float)
        middle = ((size - 1) / 2 for size in self.shape[1:])
        return self.to_lps(np.stack([number, *(np.full_like(number, each) for each in middle)], axis=-1))

    def to_index(self, lps: npt.ArrayLike) -> FloatArray:
        """Map (..., 3) LPS mm to (..., 3) fractional voxel indices (slice, row, column)."""
        inverse = np.linalg.inv(self.affine_lps[:3, :3])
        index: FloatArray = (np.asarray(lps, float) - self.affine_lps[:3, 3]) @ inverse.T
        return index

    def corners_lps(self) -> FloatArray:
        """(8, 3) LPS positions of the corner voxels' centres."""
        return self.to_lps(list(itertools.product(*((0, size - 1) for size in self.shape))))

    def matches(self, other: Geometry, tolerance_mm: float = CORNER_TOLERANCE_MM) -> bool:
        """Whether both grids have the same shape and the same voxel positions."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners_lps() - other.corners_lps()).max() <= tolerance_mm)

    def motion_to(self, other: Geometry) -> FloatArray | None:
        """Return the rigid motion that brings this grid onto another one, 4x4 in LPS mm; None if there is none."""
        motion: FloatArray = other.affine_lps @ np.linalg.inv(self.affine_lps)
        turn = motion[:3, :3]
        is_rigid = np.allclose(turn.T @ turn, np.eye(3), atol=ANGLE_TOLERANCE) and np.linalg.det(turn) > 0
        return motion if self.shape == other.shape and is_rigid else None

    def canonical_axes(self) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """Return how to reorder this grid so that its axes are closest to (head, back, left).

        Returns:
            ``axes`` and ``flips``: ``array.transpose(axes)`` and then reversal of each axis a where ``flips[a]``.
        """
        strength = np.abs(self.directions)  # (LPS, array axis)
        # The best of the 6 assignments of array axes to (z, y, x).
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
