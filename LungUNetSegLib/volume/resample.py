"""Resamples volumes: onto any other geometry, from sheared to orthogonal axes, along the body's axes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.machine import usable_threads
from LungUNetSegLib.volume.geometry import Geometry
from LungUNetSegLib.volume.memory import let_go, new_voxels
from LungUNetSegLib.volume.volume import Volume

if TYPE_CHECKING:
    import SimpleITK as sitk

SLAB_SLICES = 64

OBLIQUE_DEGREES = 5.0
"""Scans with a larger tilt are first resampled along the body's axes; otherwise the slices are used directly."""


_limit: int | None = None
_own_threads: int | None = None
"""What `limited_threads` allows now, and ITK's own number; as ITK's setting, of the whole process."""


def itk() -> Any:
    """Return SimpleITK, imported when it is first used: that takes 0.1 s and 100 MB, and most scans do not need it."""
    global _own_threads
    is_first = "SimpleITK" not in sys.modules
    import SimpleITK

    if is_first:
        _own_threads = SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads()
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(_limit or _own_threads)
    return SimpleITK


@contextmanager
def limited_threads(number: int | None) -> Iterator[None]:
    """Limit ITK's threads in the whole process during the block; one per core if None."""
    global _limit
    outer, before = _limit, None
    _limit = usable_threads(number) or outer
    if "SimpleITK" in sys.modules:
        before = itk().ProcessObject.GetGlobalDefaultNumberOfThreads()
        itk().ProcessObject.SetGlobalDefaultNumberOfThreads(_limit or before)
    try:
        yield
    finally:
        _limit = outer
        if "SimpleITK" in sys.modules and (number := before or outer or _own_threads):
            itk().ProcessObject.SetGlobalDefaultNumberOfThreads(number)


def to_sitk(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image at the same position; ITK's space is LPS mm, its index (column, row, slice)."""
    sitk, geometry = itk(), volume.geometry
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
    array = itk().GetArrayFromImage(image)
    return Volume(array, Geometry((array.shape[0], array.shape[1], array.shape[2]), affine))


def resample(
    volume: Volume,
    geometry: Geometry,
    interpolation: Literal["linear", "nearest"],
    fill: float = 0.0,
    dtype: npt.DTypeLike | None = None,
) -> Volume:
    """Resample `volume` onto `geometry`, with `fill` outside the volume.

    The result has the same dtype (bool as uint8) unless one is given. Within `voxels_in_files` only ITK's copy of the
    volume is in memory as a whole.

    Args:
        volume: A scan or a label map.
        geometry: The other grid.
        interpolation: "linear" for scans; "nearest" for label maps, whose means are other labels: 1 between 2 and 0.
        fill: Value outside the volume.
        dtype: Type of the result.

    Raises:
        ConfigError: Another interpolation.
    """
    if interpolation not in ("linear", "nearest"):
        raise ConfigError(f"The interpolation is linear or nearest, got {interpolation!r}.")
    sitk, image = itk(), to_sitk(volume)
    let_go(volume.array)
    if volume.geometry.matches(geometry):
        array = sitk.GetArrayFromImage(image)
        return Volume(array.astype(dtype or array.dtype, copy=False), geometry)
    linear = interpolation == "linear"
    # ITK truncates values when it writes integers; floats in slabs are precise and need little memory.
    method, pixel = (sitk.sitkLinear, sitk.sitkFloat32) if linear else (sitk.sitkNearestNeighbor, image.GetPixelID())
    spacing, directions = geometry.spacing_mm[::-1], geometry.directions[:, ::-1].ravel().tolist()
    result = new_voxels(geometry.shape, dtype or sitk.GetArrayViewFromImage(image).dtype)
    for start in range(0, len(result), SLAB_SLICES):
        slab = result[start : start + SLAB_SLICES]
        origin = geometry.to_lps((start, 0, 0)).tolist()
        size = slab.shape[::-1]
        part = sitk.Resample(image, size, sitk.Transform(), method, origin, spacing, directions, fill, pixel)
        values = sitk.GetArrayViewFromImage(part)
        slab[:] = np.rint(values) if linear and result.dtype.kind in "iu" else values
        let_go(slab)
    return Volume(result, geometry)


def orthogonal(volume: Volume, interpolation: Literal["linear", "nearest"], fill: float) -> Volume:
    """Resample a volume with sheared axes (of a tilted gantry) onto an orthogonal grid that covers all of it.

    Columns keep their direction and slices their planes, so a scan tilted about its rows is only shifted within
    each slice. ITK, NIfTI and Slicer do not support sheared axes.
    """
    slant = volume.geometry.affine_lps[:3, :3]
    # QR of the axes (column, row, slice) is Gram-Schmidt orthogonalisation in that order.
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


def is_oblique(scan: Geometry) -> bool:
    """Whether a scan is resampled along the body's axes before it is used."""
    return scan.obliquity_degrees > OBLIQUE_DEGREES


def align(volume: Volume, fill: float, dtype: npt.DTypeLike | None = None) -> Volume:
    """Return `volume` with axes (head, back, left): reordered (a view), or resampled (to `dtype`) if oblique."""
    if not is_oblique(volume.geometry):
        return volume.canonical()
    return resample(volume, _along_body_axes(volume.geometry), "linear", fill, dtype)


def _along_body_axes(geometry: Geometry) -> Geometry:
    """Return the smallest grid along (head, back, left) that covers `geometry`, with its spacings."""
    axes, _ = geometry.canonical_axes()
    spacing_mm = np.array(geometry.spacing_mm)[list(axes)]
    corners = geometry.corners_lps()
    low, extent_mm = corners.min(axis=0), np.ptp(corners, axis=0)
    shape = tuple(int(np.ceil(size - 1e-6)) + 1 for size in extent_mm[::-1] / spacing_mm)
    return Geometry.axial((shape[0], shape[1], shape[2]), tuple(spacing_mm), tuple(low))
