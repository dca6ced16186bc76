"""Aligns the lungs of two scans: rigidly, affinely, and on request by a smooth deformation, each with its error.

All transforms map a position in the second scan to the same position of the patient in the first one (LPS, mm), so that
the first scan is resampled to the second one's grid. Rigid and affine alignment use the lungs' shape only, as distances
from each lung's surface; kernel, contrast agent and disease inside the lungs do not influence them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from LungUNetSegLib.arrays import FloatArray, Labels, Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume
from LungUNetSegLib.volume.resample import from_sitk, itk, to_sitk

if TYPE_CHECKING:
    import SimpleITK as sitk

STEP_MM = 4.0
"""Spacing of the grid on which scans are aligned."""

REACH_MM = 24.0
"""Distances from a lung's surface are clipped to this value, so that distant positions do not count."""

MARGIN_MM, MOVING_MARGIN_MM = 24.0, 100.0
"""Margins around the lungs of the second (fixed) and the first (moving) scan. Positions outside the moving scan do not
count, so that a transform that maps all positions there would fit best; the wide margin prevents that."""

DEMONS_STEPS, DEMONS_SMOOTH_MM = 100, 8.0
"""Number of steps of the deformation, and standard deviation of the Gaussian that smooths it after each: it is too
smooth to remove a nodule."""

AROUND_MM, LUNG_HU = 16.0, -800.0
"""Standard deviation of the Gaussian whose local mean is subtracted within the lungs, and the value that replaces this
mean."""

SHOWN_HU = (-1000, 100)
"""The range of HU that drives the deformation, without bone and contrast agent."""

ITERATIONS = 60
SAMPLED, SEED = 0.25, 1
"""Share of the grid's points at which scans are compared, and the seed of their random shifts within voxels."""

LEAST_OVERLAP = 0.6
"""Lungs with a lower DSC after the affine alignment are not of one patient, or not of the same part of the chest."""

NO_LUNG = "There is no lung to align; give masks of 1 (right) and 2 (left lung)."


@dataclass(frozen=True, eq=False, kw_only=True)
class Alignment:
    """How the first scan lies on the second.

    Attributes:
        transform: SimpleITK's, from the second scan to the first.
        matrix: (4, 4) the same, LPS mm; None for a deformation.
        dsc: Overlap of the lungs, right with right and left with left.
        surface_mm: Mean distance of the aligned surface of the first lungs from that of the second ones.
    """

    transform: sitk.Transform
    matrix: FloatArray | None
    dsc: float
    surface_mm: float


def align_rigid(first: Volume, second: Volume) -> Alignment:
    """Align two label maps by a rotation and a translation.

    Args:
        first: 1 right and 2 left lung, of the first scan.
        second: The same of the second.

    Raises:
        DataError: One of them has no lung.
    """
    sitk = itk()
    fixed, moving = _shapes(first, second)
    start = sitk.Euler3DTransform()
    start.SetCenter([float(each) for each in _middle(second)])
    start.SetTranslation([float(each) for each in _middle(first) - _middle(second)])
    return _measured(_register(fixed, moving, start), first, second)


def align_affine(first: Volume, second: Volume, rigid: Alignment) -> Alignment:
    """Align two label maps by an affine transform too, which also stretches and shears.

    Raises:
        DataError: They still overlap too little to be the lungs of one patient.
    """
    sitk = itk()
    fixed, moving = _shapes(first, second)
    start = sitk.AffineTransform(3)
    start.SetCenter(rigid.transform.GetFixedParameters()[:3])
    start.SetMatrix(rigid.transform.GetMatrix())
    start.SetTranslation(rigid.transform.GetTranslation())
    found = _measured(_register(fixed, moving, start), first, second)
    if found.dsc < LEAST_OVERLAP:
        raise DataError(
            f"The lungs of the two scans overlap by a DSC of only {found.dsc:.2f} after alignment: they are not of one "
            "patient, or one of the scans shows another part of the chest."
        )
    return found


def align_deformable(first: Volume, second: Volume, lungs: tuple[Volume, Volume], affine: Alignment) -> Alignment:
    """Align two scans by a smooth deformation that follows edges of HU in and near the lungs.

    It uses demons with symmetric forces (Thirion 1998, doi:10.1016/S1361-8415(98)80022-4). The local mean is subtracted
    within the lungs, so that walls and vessels drive the deformation, not inflation or a change of density.

    Args:
        first: HU of the first scan.
        second: HU of the second.
        lungs: The label maps of both.
        affine: The alignment to start from.
    """
    sitk = itk()
    grid = _grid_of(lungs[1], MARGIN_MM)
    inside = bring(lungs[0], grid, affine, is_labels=True).array > 0, _on(lungs[1], grid) > 0
    moving = _edges(first, inside[0], grid, affine.transform)
    fixed = _edges(second, inside[1], grid, sitk.Transform())
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(DEMONS_STEPS)
    demons.SetStandardDeviations(DEMONS_SMOOTH_MM / STEP_MM)
    deformation = sitk.DisplacementFieldTransform(sitk.Cast(demons.Execute(fixed, moving), sitk.sitkVectorFloat64))
    return _measured(sitk.CompositeTransform([affine.transform, deformation]), *lungs)


def bring(first: Volume, geometry: Geometry, alignment: Alignment, *, is_labels: bool = False) -> Volume:
    """Return the first scan, or its labels, on a grid of the second; air or background outside."""
    return _brought(first, geometry, alignment.transform, is_labels=is_labels)


def _register(fixed: sitk.Image, moving: sitk.Image, start: sitk.Transform) -> sitk.Transform:
    """Return the transform that maps `fixed` onto `moving` best, by the least mean square of their differences."""
    sitk = itk()
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetInitialTransform(start, inPlace=True)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(SAMPLED, SEED)
    # Steps of fixed length diverge for affine transforms, whose parameters move points by very different distances.
    method.SetOptimizerAsGradientDescentLineSearch(
        learningRate=1.0, numberOfIterations=ITERATIONS, convergenceMinimumValue=1e-5, convergenceWindowSize=5
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.Execute(fixed, moving)
    return start


def _shapes(first: Volume, second: Volume) -> tuple[sitk.Image, sitk.Image]:
    """Return the distances from the lungs' surfaces of the second (fixed) and the first (moving) scan, for both lungs.

    The left lung's distances are negated before both are added, so that right is aligned with right.
    """
    images = []
    for labels, margin_mm in ((second, MARGIN_MM), (first, MOVING_MARGIN_MM)):
        grid = _grid_of(labels, margin_mm)
        here = _on(labels, grid)
        sum_mm = np.zeros(grid.shape, np.float32)
        for lung, sign in zip(LUNGS, (1, -1), strict=True):
            if (mask := here == lung.label).any():
                inside, outside = (ndimage.distance_transform_edt(each) * STEP_MM for each in (mask, ~mask))
                sum_mm += sign * (np.minimum(inside, REACH_MM) - np.minimum(outside, REACH_MM) + REACH_MM)
        images.append(to_sitk(Volume(sum_mm, grid)))
    return images[0], images[1]


def _grid_of(labels: Volume, margin_mm: float) -> Geometry:
    """Return a grid of `STEP_MM` along the patient's axes over the lungs and a margin."""
    where = np.argwhere(labels.array > 0)
    if not len(where):
        raise DataError(NO_LUNG)
    low, high = where.min(axis=0), where.max(axis=0)
    corners = np.array([labels.geometry.to_lps(np.where(pick, high, low)) for pick in np.ndindex(2, 2, 2)])
    start = corners.min(axis=0) - margin_mm
    shape = np.ceil((corners.max(axis=0) + margin_mm - start) / STEP_MM).astype(int) + 1
    x, y, z = (float(each) for each in start)
    return Geometry.axial((int(shape[2]), int(shape[1]), int(shape[0])), (STEP_MM, STEP_MM, STEP_MM), (x, y, z))


def _brought(volume: Volume, grid: Geometry, transform: sitk.Transform, *, is_labels: bool) -> Volume:
    """Return HU or labels on a grid from which `transform` leads to them; air or background outside."""
    sitk = itk()
    method, fill = (sitk.sitkNearestNeighbor, 0) if is_labels else (sitk.sitkLinear, AIR_HU)
    return from_sitk(sitk.Resample(to_sitk(volume), _like(grid), transform, method, fill))


def _like(grid: Geometry) -> sitk.Image:
    """Return an image on a grid; its values do not count."""
    return to_sitk(Volume(np.broadcast_to(np.uint8(0), grid.shape), grid))


def _on(labels: Volume, grid: Geometry) -> Labels:
    """Return labels on another grid of their own scan."""
    return _brought(labels, grid, itk().Transform(), is_labels=True).array


def _edges(scan: Volume, lung: Mask, grid: Geometry, transform: sitk.Transform) -> sitk.Image:
    """Return a scan on a coarse grid, clipped to `SHOWN_HU`, with the local mean subtracted within the lungs.

    Args:
        scan: HU; averaged over the coarse grid's voxels first.
        lung: (D, H, W) the lungs on the grid.
        grid: The coarse grid.
        transform: From the grid to the scan.
    """
    sitk = itk()
    low, high = SHOWN_HU
    sigmas = [STEP_MM / 2 / each for each in scan.geometry.spacing_mm]
    smooth = ndimage.gaussian_filter(np.clip(scan.array, low, high).astype(np.float32), sigmas)
    image = sitk.Resample(to_sitk(Volume(smooth, scan.geometry)), _like(grid), transform, sitk.sitkLinear, float(low))
    hu = sitk.GetArrayFromImage(image)
    around = AROUND_MM / STEP_MM
    weight = ndimage.gaussian_filter(lung.astype(np.float32), around)
    total = ndimage.gaussian_filter(np.where(lung, hu, np.float32(0)), around)
    mean = np.divide(total, weight, out=np.zeros_like(total), where=lung)
    return to_sitk(Volume(np.where(lung, hu - mean + np.float32(LUNG_HU), hu), grid))


def _middle(labels: Volume) -> FloatArray:
    """Return the lungs' centre, (3,) LPS mm: the mean of the right and the left lung's centres, if there are both."""
    middles = []
    for lung in LUNGS:
        where = np.argwhere(labels.array[::2, ::2, ::2] == lung.label)
        if len(where):
            middles.append(labels.geometry.to_lps(2 * where.mean(axis=0)))
    if not middles:
        raise DataError(NO_LUNG)
    return np.asarray(np.mean(middles, axis=0), np.float64)


def _measured(transform: sitk.Transform, first: Volume, second: Volume) -> Alignment:
    """Return an alignment with its error, on the coarse grid of the second scan."""
    grid = _grid_of(second, MARGIN_MM)
    moved, still = _brought(first, grid, transform, is_labels=True).array, _on(second, grid)
    overlap = np.count_nonzero((moved == still) & (still > 0))
    voxels = np.count_nonzero(moved) + np.count_nonzero(still)
    return Alignment(
        transform=transform,
        matrix=_matrix(transform) if hasattr(transform, "GetMatrix") else None,
        dsc=2 * int(overlap) / int(voxels) if voxels else 0.0,
        surface_mm=_surface_mm(moved > 0, still > 0),
    )


def _matrix(transform: sitk.Transform) -> FloatArray:
    """Return the 4x4 matrix of a linear transform."""
    matrix = np.eye(4)
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix[:3, 3] = origin
    for axis in range(3):
        matrix[:3, axis] = np.array(transform.TransformPoint(tuple(np.eye(3)[axis]))) - origin
    return matrix


def _surface_mm(moved: Mask, still: Mask) -> float:
    """Return the mean distance of one surface's voxels from the other surface; infinite without a voxel."""
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (moved, still)]
    if not all(each.any() for each in surfaces):
        return float("inf")
    return float((ndimage.distance_transform_edt(~surfaces[1]) * STEP_MM)[surfaces[0]].mean())
