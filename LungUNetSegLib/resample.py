"""Resampling between grids: a volume onto any other geometry, and slices between two spacings."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from LungUNetSegLib.volume import Geometry, Volume


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
    if volume.geometry.matches(geometry):
        return Volume(volume.array, geometry)
    target = sitk.Image(geometry.shape[::-1], sitk.sitkUInt8)
    target.CopyInformation(to_sitk(Volume(np.broadcast_to(np.uint8(0), geometry.shape), geometry)))
    method = sitk.sitkLinear if interpolation == "linear" else sitk.sitkNearestNeighbor
    image = sitk.Resample(to_sitk(volume), target, sitk.Transform(), method, fill)
    return Volume(sitk.GetArrayFromImage(image), geometry)


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
