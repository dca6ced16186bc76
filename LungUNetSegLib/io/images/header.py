"""Reads the size, the spacing and the names of data files in an image file's header, without its voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.io.images import metaimage, nrrd
from LungUNetSegLib.io.images.files import check_file
from LungUNetSegLib.io.images.itk_files import load_header
from LungUNetSegLib.io.images.nifti import is_nifti, read_header


def read_size(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Return the shape and the spacing in mm of an image file, both (slice, row, column).

    Raises:
        ReadError: Missing, damaged, or no three-dimensional image of one value in each voxel.
    """
    return _nifti_size(path) if is_nifti(path) else _itk_size(path)


def data_files(path: Path) -> list[Path]:
    """Return the files beside or below an image file that hold its voxels; none if it holds them itself.

    Raises:
        ReadError: Its header names one that lies elsewhere, or is no ordinary file.
    """
    if metaimage.is_metaimage(path):
        return metaimage.data_files(path)
    return nrrd.data_files(path) if image_ending(path) is not None and not is_nifti(path) else []


def _nifti_size(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    check_file(path)
    header = read_header(path)
    along, down, across = np.linalg.norm(header.affine_lps[:3, :3], axis=0).tolist()
    return header.shape, (along, down, across)


def _itk_size(path: Path) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    reader, grid = load_header(path)
    if reader.GetNumberOfComponents() > 1:
        raise ReadError(f"{path}: the image has {reader.GetNumberOfComponents()} values in each voxel; a CT has one.")
    size = reader.GetSize()
    spacing = [grid.unit_mm * each for each in grid.spacing or reader.GetSpacing()[:3]]
    return (size[2], size[1], size[0]), (spacing[2], spacing[1], spacing[0])
