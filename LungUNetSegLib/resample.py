"""Resampling between grids: a volume onto any other geometry, and slices between two spacings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from LungUNetSegLib.machine import usable_threads
from LungUNetSegLib.volume import Geometry, Volume

SLAB_SLICES = 64


@contextmanager
def limited_threads(number: int | None) -> Iterator[None]:
    """Let ITK use at most so many threads meanwhile, in the whole process; one for each core when None."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(usable_threads(number) or before)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def to_sitk(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image in the same place; ITK's physical space is LPS mm, its index (column, row, slice)."""
    geometry = volume.geometry
    array = volume.array.astype(np.uint8) if volume.array.dtype == bool else volume.array
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.affine_lps[:3, 3].tolist())
    image.SetDirection(geometry.directions[:, ::-1].ravel().tolist())
    return image


def from_sitk(image: sitk.Image) -> Volume:
    """Return a 3D, single-component SimpleITK image as a volume; the array is a copy."""
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = (directions * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    array = sitk.GetArrayFromImage(image)
    return Volume(array, Geometry((array.shape[0], array.shape[1], array.shape[2]), affine))


def resample(
    volume: Volume, geometry: Geometry, interpolation: Literal["linear", "nearest"] = "linear", fill: float = 0.0
) -> Volume:
    """Return `volume` on `geometry`; the same dtype (bool as uint8), `fill` where it has no voxel."""
    image = to_sitk(volume)
    if volume.geometry.matches(geometry):
        return Volume(sitk.GetArrayFromImage(image), geometry)
    linear = interpolation == "linear"
    # ITK would cut decimals off when it writes integers; floats in slabs keep both precision and memory small.
    method, pixel = (sitk.sitkLinear, sitk.sitkFloat32) if linear else (sitk.sitkNearestNeighbor, image.GetPixelID())
    spacing, directions = geometry.spacing_mm[::-1], geometry.directions[:, ::-1].ravel().tolist()
    result = np.empty(geometry.shape, sitk.GetArrayViewFromImage(image).dtype)
    for start in range(0, len(result), SLAB_SLICES):
        slab = result[start : start + SLAB_SLICES]
        origin = geometry.to_lps((start, 0, 0)).tolist()
        size = slab.shape[::-1]
        part = sitk.Resample(image, size, sitk.Transform(), method, origin, spacing, directions, fill, pixel)
        values = sitk.GetArrayViewFromImage(part)
        slab[:] = np.rint(values) if linear and result.dtype.kind in "iu" else values
    return Volume(result, geometry)


def orthogonal(volume: Volume, interpolation: Literal["linear", "nearest"], fill: float) -> Volume:
    """Return a volume with slanting axes (a tilted gantry's) on a straight grid that holds all of it.

    Columns keep their direction and slices their planes, so a scan tilted about its rows is only shifted within
    each slice. ITK, NIfTI and Slicer know no slanting axes.
    """
    slant = volume.geometry.affine_lps[:3, :3]
    # QR of the axes (column, row, slice) is Gram-Schmidt in that order.
    basis, lengths = np.linalg.qr(slant[:, ::-1])
    basis = (basis * np.sign(np.diag(lengths)))[:, ::-1]
    spacing_mm = np.abs(np.diag(lengths))[::-1]
    corners = volume.geometry.corners_lps() @ basis
    extent = np.ptp(corners, axis=0) / spacing_mm
    shape = np.ceil(extent - 1e-3).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3] = basis * spacing_mm
    affine[:3, 3] = basis @ corners.min(axis=0)
    return resample(volume, Geometry((shape[0], shape[1], shape[2]), affine), interpolation, fill)


def interpolation_matrix(
    source_size: int, source_spacing_mm: float, target_size: int, target_spacing_mm: float, target_start_mm: float
) -> npt.NDArray[np.float32]:
    """Return the (target_size, source_size) matrix that resamples one axis.

    A triangle as wide as the coarser of the two spacings: linear interpolation on the way up, an average
    without aliasing on the way down. Rows of samples that lie outside the source are zero.

    Args:
        source_size: Samples along the source axis.
        source_spacing_mm: Their distance; sample 0 lies at 0 mm.
        target_size: Samples wanted.
        target_spacing_mm: Their distance.
        target_start_mm: Position of target sample 0.
    """
    source_mm = np.arange(source_size) * source_spacing_mm
    target_mm = target_start_mm + np.arange(target_size) * target_spacing_mm
    width_mm = max(source_spacing_mm, target_spacing_mm)
    weights = np.clip(1.0 - np.abs(target_mm[:, None] - source_mm[None, :]) / width_mm, 0.0, None)
    margin_mm = source_spacing_mm / 2
    inside = (target_mm >= -margin_mm) & (target_mm <= source_mm[-1] + margin_mm)
    weights *= inside[:, None] / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    return weights.astype(np.float32)
