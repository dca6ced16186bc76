"""Measures distances between the surfaces of two masks, in mm, on anisotropic, oblique and sheared grids.

The surface of a mask consists of its voxels that share a face with background. Each is a surface element at the voxel's
centre, weighted by the area of the surface that these faces represent, because with thin slices there are more surface
voxels per area on some sides of a lung than on others (weighting by area: Nikolov 2021, doi:10.2196/26151). A distance
runs from an element to the nearest element of the other surface.

Rules: everything beyond the scan is background, so that a lung that is cut off at the end of the scan has a surface
there. An axis of one voxel has no extent: masks of a single slice are compared by their contours in the plane. Two
empty masks have no distances (NaN); the distance from a mask to an empty one is infinite, and their surface DSC is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.volume import bounding_box

if TYPE_CHECKING:
    from scipy.spatial import cKDTree


ROUNDING_MM = 1e-6
"""Tolerance for rounding: five voxels of 0.4 mm must count as within 2 mm."""


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """The distance of each element of both surfaces from the other surface.

    Attributes:
        prediction_mm: (M,) distance of each element of the prediction's surface to the reference's.
        prediction_mm2: (M,) areas of these elements.
        reference_mm: (N,) distance of each element of the reference's surface to the prediction's.
        reference_mm2: (N,) areas of these elements.
    """

    prediction_mm: FloatArray
    prediction_mm2: FloatArray
    reference_mm: FloatArray
    reference_mm2: FloatArray

    @property
    def hd_mm(self) -> float:
        """Hausdorff distance: the largest distance from either surface to the other."""
        return self.percentile_mm(100)

    @property
    def hd95_mm(self) -> float:
        """The larger of the two directed 95th percentiles."""
        return self.percentile_mm(95)

    @property
    def mean_mm(self) -> float:
        """Mean surface distance, both surfaces pooled (average symmetric surface distance)."""
        return float(_mean(self._pooled_mm, self._pooled_mm2))

    def percentile_mm(self, percent: float) -> float:
        """Return the larger of the two directed percentiles: the distance within which `percent` % of the area lies."""
        directed = (
            _percentile(self.prediction_mm, self.prediction_mm2, percent),
            _percentile(self.reference_mm, self.reference_mm2, percent),
        )
        return float(np.fmax(*directed))  # an empty surface has no percentile of its own

    def surface_dsc(self, tolerance_mm: float) -> float:
        """Return the share of both surfaces' area that lies within `tolerance_mm` of the other surface."""
        return float(_mean((self._pooled_mm <= tolerance_mm + ROUNDING_MM).astype(float), self._pooled_mm2))

    @property
    def _pooled_mm(self) -> FloatArray:
        return np.concatenate([self.prediction_mm, self.reference_mm])

    @property
    def _pooled_mm2(self) -> FloatArray:
        return np.concatenate([self.prediction_mm2, self.reference_mm2])


def surface_distances(prediction: Mask, reference: Mask, spacing_mm: npt.ArrayLike) -> SurfaceDistances:
    """Measure the distances between the surfaces of two masks on one grid.

    Args:
        prediction: (D, H, W) bool.
        reference: (D, H, W) bool.
        spacing_mm: (3,) voxel spacing along the array's axes; or, for a sheared grid such as that of a tilted gantry,
            the (3, 3) matrix whose column a is the step along axis a (``affine_lps[:3, :3]``).

    Raises:
        DataError: Arrays that are not bool, not 3D or of different shapes.
    """
    for name, mask in (("prediction", prediction), ("reference", reference)):
        if mask.dtype != bool or mask.ndim != 3:
            raise DataError(f"The {name} must be a 3D bool mask, got {mask.ndim}D {mask.dtype}.")
    if prediction.shape != reference.shape:
        shapes = f"{prediction.shape} and {reference.shape}"
        raise DataError(f"Prediction and reference must have the same shape, got {shapes}.")
    steps_mm = _steps_mm(spacing_mm)
    box = bounding_box(prediction | reference)
    margin = [(int(size > 1),) * 2 for size in prediction.shape]
    here, there = (_exposed_faces(np.pad(mask[box], margin)) for mask in (prediction, reference))
    prediction_mm, prediction_mm2 = _distances(here, there, steps_mm)
    reference_mm, reference_mm2 = _distances(there, here, steps_mm)
    return SurfaceDistances(prediction_mm, prediction_mm2, reference_mm, reference_mm2)


class MaskSurface:
    """The surface of a mask, to look up how far voxels outside it lie from it.

    Attributes:
        voxels: (N,) flat indices of the surface's voxels.

    Args:
        mask: (D, H, W) bool.
        spacing_mm: As for `surface_distances`.
    """

    def __init__(self, mask: Mask, spacing_mm: npt.ArrayLike) -> None:
        self._shape, self._steps_mm = mask.shape, _steps_mm(spacing_mm)
        self.voxels = np.flatnonzero(_exposed_faces(mask))
        self._tree = _tree(self.voxels, mask.shape, self._steps_mm) if self.voxels.size else None

    def nearest(
        self, voxels: npt.NDArray[np.intp], reach_mm: float = np.inf
    ) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """Return the distance in mm from each voxel's centre to the nearest of the surface, and that one's place.

        Args:
            voxels: (M,) flat indices on the mask's grid, outside the mask.
            reach_mm: How far to look.

        Returns:
            (M,) distances, infinite beyond `reach_mm`; (M,) places in `self.voxels`, its length where there is none.
        """
        if self._tree is None:
            return np.full(voxels.size, np.inf), np.zeros(voxels.size, np.intp)
        positions = _positions_mm(voxels, self._shape, self._steps_mm)
        found = self._tree.query(positions, distance_upper_bound=reach_mm + ROUNDING_MM, workers=-1)
        distances_mm: FloatArray = found[0]
        places: npt.NDArray[np.intp] = found[1]
        return distances_mm, places


def _exposed_faces(mask: Mask) -> npt.NDArray[np.uint8]:
    """Return the number of faces of each mask voxel towards background: along axis 0 + 3 x axis 1 + 9 x axis 2."""
    exposed = np.zeros(mask.shape, np.uint8)
    for axis in range(3):
        faces = np.diff(mask, axis=axis) * np.uint8(3**axis)
        for side in (slice(None, -1), slice(1, None)):
            exposed[(slice(None),) * axis + (side,)] += faces
    return exposed * mask


def _distances(
    exposed: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], steps_mm: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the (N,) distances in mm of one surface's elements to the other surface, and their (N,) areas in mm2."""
    here, there = np.flatnonzero(exposed), np.flatnonzero(other)
    # Most elements of two similar masks lie on both surfaces: only the others are looked up.
    is_apart = other.ravel()[here] == 0
    distance_mm = np.where(is_apart, np.inf, 0.0)
    if there.size:
        tree = _tree(there, other.shape, steps_mm)
        distance_mm[is_apart] = tree.query(_positions_mm(here[is_apart], exposed.shape, steps_mm), workers=-1)[0]
    return distance_mm, _area_table_mm2(steps_mm)[exposed.ravel()[here]]


def _steps_mm(spacing_mm: npt.ArrayLike) -> FloatArray:
    """Return the (3, 3) matrix of steps that `surface_distances` takes, or the one of voxel distances."""
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    return np.diag(spacing) if spacing.ndim == 1 else spacing


def _tree(voxels: npt.NDArray[np.intp], shape: tuple[int, ...], steps_mm: FloatArray) -> cKDTree:
    from scipy.spatial import cKDTree  # takes 0.1 s to import, and most commands compare nothing

    # Four times as fast as the default for distant surfaces, and as fast for close ones.
    return cKDTree(_positions_mm(voxels, shape, steps_mm), 32, compact_nodes=False, balanced_tree=False)


def _positions_mm(flat: npt.NDArray[np.intp], shape: tuple[int, ...], steps_mm: FloatArray) -> FloatArray:
    positions: FloatArray = np.stack(np.unravel_index(flat, shape), axis=1) @ steps_mm.T
    return positions


def _area_table_mm2(steps_mm: FloatArray) -> FloatArray:
    """Return the (27,) area for each value of `_exposed_faces`: of the oblique patch that projects onto these faces.

    The sum of the faces would be the area of a staircase instead of the slope that it represents, up to 1.7 times as
    large.
    """
    counts = np.stack(np.unravel_index(np.arange(27), (3, 3, 3), order="F"), axis=1)
    face_mm2 = [np.linalg.norm(np.cross(steps_mm[:, axis - 1], steps_mm[:, axis - 2])) for axis in range(3)]
    table: FloatArray = np.linalg.norm(counts * face_mm2, axis=1)
    return table


def _percentile(distance_mm: FloatArray, area_mm2: FloatArray, percent: float) -> float:
    """Return the smallest distance within which `percent` % of the area lies; NaN without any area."""
    if not distance_mm.size:
        return float("nan")
    order = np.argsort(distance_mm)
    reached = np.cumsum(area_mm2[order])
    place = np.searchsorted(reached, reached[-1] * percent / 100 * (1 - 1e-12))  # tolerates the rounding of the sum
    return float(distance_mm[order[min(int(place), order.size - 1)]])


def _mean(values: FloatArray, area_mm2: FloatArray) -> float:
    return float(np.average(values, weights=area_mm2)) if values.size else float("nan")
