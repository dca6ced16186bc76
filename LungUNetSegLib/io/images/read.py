"""Reads scans from NIfTI, NRRD and MetaImage files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.endings import IMAGE_ENDINGS, image_ending
from LungUNetSegLib.io.images.itk_files import SLANTING_AXES, read_values
from LungUNetSegLib.io.images.nifti import is_nifti, read_forms
from LungUNetSegLib.io.scan import BEYOND_SCANNER, PathInput, Scan, beyond_scanner, check_ct, describe
from LungUNetSegLib.volume import AIR_HU, Volume, to_hu


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
    sample = raw.array[tuple(slice(None, None, max(1, size // 64)) for size in raw.array.shape)]
    findings += (BEYOND_SCANNER,) if beyond_scanner(sample) else ()
    volume = Volume(to_hu(raw.array, in_place=True), raw.geometry)
    findings += check_ct(volume, path)
    is_own_grid = is_nifti(path) and SLANTING_AXES not in findings
    forms = read_forms(path) if is_own_grid else None
    return Scan(volume, path, None, describe(path.name, volume), findings, forms=forms)


def _replace_what_is_no_number(raw: Volume, path: Path) -> tuple[Finding, ...]:
    """Set NaN and infinite voxels to air, in place, and return a finding."""
    finite = np.isfinite(raw.array)
    if finite.all():
        return ()
    if not finite.any():
        raise ReadError(f"{path}: no voxel holds a number (all are NaN or infinite).")
    raw.array[~finite] = AIR_HU
    lost = finite.size - np.count_nonzero(finite)
    return (Finding("nan-voxels", f"{lost} of {finite.size} voxels are NaN or infinite; they were treated as air."),)
