"""Reads the size and spacing in an image file's header, without its voxels."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.images.files import check_file
from LungUNetSegLib.io.images.metaimage import check_metaimage
from LungUNetSegLib.io.images.nifti import is_nifti
from LungUNetSegLib.io.images.nifti_header import HEADER_BYTES, parse
from LungUNetSegLib.io.images.nrrd import check_nrrd
from LungUNetSegLib.volume.resample import itk

_GZIP_MAGIC = b"\x1f\x8b"


def read_size(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Return the shape and the spacing in mm of an image file, both (slice, row, column).

    Raises:
        ReadError: Missing, damaged, or no three-dimensional image of one value in each voxel.
    """
    check_file(path)
    return _nifti_size(path) if is_nifti(path) else _itk_size(path)


def _nifti_size(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    try:
        with path.open("rb") as file:
            is_compressed = file.read(2) == _GZIP_MAGIC
        with gzip.open(path) if is_compressed else path.open("rb") as content:
            header = parse(content.read(HEADER_BYTES), path)
    except (EOFError, OSError, zlib.error) as error:
        raise ReadError(f"{path}: cannot be unpacked; it is damaged or cut short ({error}).") from error
    along, down, across = np.linalg.norm(header.affine_lps[:3, :3], axis=0).tolist()
    return header.shape, (along, down, across)


def _itk_size(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    grid = check_metaimage(path) if path.name.lower().endswith((".mha", ".mhd")) else check_nrrd(path)
    reader = itk().ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ReadError(f"{path}: cannot be read as an image; is it damaged or cut short? ({reason})") from error
    size = reader.GetSize()
    if not 3 <= len(size) <= 4 or (len(size) == 4 and size[3] > 1):
        raise ReadError(f"{path}: the image has {len(size)} axes; a CT needs three (slice, row, column).")
    if reader.GetNumberOfComponents() > 1:
        raise ReadError(f"{path}: the image has {reader.GetNumberOfComponents()} values in each voxel; a CT has one.")
    spacing = [grid.unit_mm * each for each in grid.spacing or reader.GetSpacing()[:3]]
    return (size[2], size[1], size[0]), (spacing[2], spacing[1], spacing[0])
