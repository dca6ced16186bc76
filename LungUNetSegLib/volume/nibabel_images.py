"""Converts volumes to and from nibabel's images, whose axes are (column, row, slice) and whose space is RAS mm."""

from __future__ import annotations

from typing import Any

import numpy as np

from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.ras import RAS_TO_LPS, REVERSE_AXES


def to_nibabel(volume: Volume) -> Any:
    """Return a `nibabel.Nifti1Image` at the same position, in millimetres; the voxels are not copied.

    Raises:
        MissingDependencyError: nibabel is not installed.
    """
    nibabel = import_package("nibabel", "nibabel")
    array = volume.array.astype(np.uint8) if volume.array.dtype == bool else volume.array
    image = nibabel.Nifti1Image(array.T, RAS_TO_LPS @ volume.geometry.affine_lps @ REVERSE_AXES)
    image.header.set_xyzt_units("mm")
    return image


def from_nibabel(image: Any) -> Volume:
    """Return a 3D nibabel image as a volume, with nibabel's scaled values, or integers if it has no scaling.

    Args:
        image: A spatial image of nibabel; its affine maps (column, row, slice) to RAS mm.

    Raises:
        GeometryError: The image does not have three axes, or has no usable affine.
    """
    array = np.asanyarray(image.dataobj)
    if array.ndim != 3:
        raise GeometryError(f"A volume has three axes, the image has {array.ndim}: {array.shape}.")
    shape = (array.shape[2], array.shape[1], array.shape[0])
    return Volume(array.T, Geometry(shape, RAS_TO_LPS @ image.affine @ REVERSE_AXES))
