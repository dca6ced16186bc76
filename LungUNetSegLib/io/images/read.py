"""Reads scans from NIfTI, NRRD and MetaImage files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.endings import IMAGE_ENDINGS, image_ending
from LungUNetSegLib.io.images.itk_files import SLANTING_AXES, read_values
from LungUNetSegLib.io.images.nifti import is_nifti, read_header
from LungUNetSegLib.io.scan import BEYOND_SCANNER, PathInput, Scan, beyond_scanner, check_ct, describe
from LungUNetSegLib.volume import AIR_HU, Volume, to_hu
from LungUNetSegLib.volume.memory import new_voxels, planes_of


def read_image(path: PathInput) -> Scan:
    """Read the CT in an image file.

    Args:
        path: A file ending in one of `IMAGE_ENDINGS`, three-dimensional, one value a voxel, in HU. Floats are
            rounded; what is not a number, or below -1024 HU, becomes air.

    Raises:
        ReadError: Missing, damaged, of another kind, 2D, 4D, in colour, or certainly not in HU.
    """
    path = Path(path)
    if image_ending(path) is None:
        raise ReadError(f"{path}: unknown image format; known endings are {', '.join(IMAGE_ENDINGS)}.")
    raw, findings = read_values(path, "linear", AIR_HU)
    if raw.array.dtype.kind == "f":
        findings += _replace_what_is_no_number(raw, path)
    each, row, column = (max(1, size // 64) for size in raw.array.shape)
    sample = np.stack([plane[::row, ::column].copy() for plane in planes_of(raw.array[::each])])
    findings += (BEYOND_SCANNER,) if beyond_scanner(sample) else ()
    volume = Volume(_in_hu(raw.array), raw.geometry)
    findings += check_ct(volume, path) + _single_slice(volume)
    is_own_grid = is_nifti(path) and SLANTING_AXES not in findings
    forms = read_header(path).forms if is_own_grid else None
    return Scan(volume, path, None, describe(path.name, volume), findings, forms=forms)


def _single_slice(volume: Volume) -> tuple[Finding, ...]:
    if 1 not in volume.array.shape:
        return ()
    thickness_mm = volume.geometry.spacing_mm[volume.array.shape.index(1)]
    return (Finding("single-slice", f"There is only one slice; its thickness is taken as {thickness_mm:g} mm."),)


def _in_hu(array: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Return intensities as int16 HU, plane by plane; integers of 16 bits are changed in place."""
    hu: npt.NDArray[np.int16] = array if array.dtype == np.int16 else new_voxels(array.shape, np.int16)
    for plane, converted in zip(planes_of(array), planes_of(hu), strict=True):
        converted[:] = to_hu(plane, in_place=True)
    return hu


def _replace_what_is_no_number(raw: Volume, path: Path) -> tuple[Finding, ...]:
    """Set NaN and infinite voxels to air, in place, and return a finding."""
    finite = sum(np.count_nonzero(np.isfinite(plane)) for plane in planes_of(raw.array))
    lost = raw.array.size - finite
    if not lost:
        return ()
    if not finite:
        raise ReadError(f"{path}: no voxel holds a number (all are NaN or infinite).")
    for plane in planes_of(raw.array):
        plane[~np.isfinite(plane)] = AIR_HU
    return (Finding("nan-voxels", f"{lost} of {raw.array.size} voxels are NaN or infinite; they were treated as air."),)
