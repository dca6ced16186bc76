"""Reads the grid and the names of data files in an image file's header, without its voxels."""

from __future__ import annotations

from pathlib import Path

from LungUNetSegLib.errors import GeometryError, ReadError
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.io.images import metaimage, nrrd
from LungUNetSegLib.io.images.files import check_file
from LungUNetSegLib.io.images.itk_files import load_header, place_of
from LungUNetSegLib.io.images.nifti import is_nifti, read_header
from LungUNetSegLib.volume import Geometry


def read_geometry(path: Path) -> Geometry:
    """Return the grid of an image file; its axes need not be at right angles.

    Raises:
        ReadError: Missing, damaged, or no three-dimensional image of one value in each voxel.
    """
    try:
        return _nifti_geometry(path) if is_nifti(path) else _itk_geometry(path)
    except GeometryError as error:
        raise ReadError(f"{path}: its header gives no valid voxel positions; is it damaged? ({error})") from error


def data_files(path: Path) -> list[Path]:
    """Return the files beside or below an image file that hold its voxels; none if it holds them itself.

    Raises:
        ReadError: Its header names one that lies elsewhere, or is no ordinary file.
    """
    if metaimage.is_metaimage(path):
        return metaimage.data_files(path)
    return nrrd.data_files(path) if image_ending(path) is not None and not is_nifti(path) else []


def _nifti_geometry(path: Path) -> Geometry:
    check_file(path)
    header = read_header(path)
    return Geometry(header.shape, header.affine_lps)


def _itk_geometry(path: Path) -> Geometry:
    reader, grid = load_header(path)
    if reader.GetNumberOfComponents() > 1:
        raise ReadError(f"{path}: the image has {reader.GetNumberOfComponents()} values in each voxel; a CT has one.")
    columns, rows, slices = reader.GetSize()[:3]
    return Geometry((slices, rows, columns), place_of(reader, grid, path))
