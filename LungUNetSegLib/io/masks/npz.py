"""Reads the paper's masks: NumPy archives (.npz) with one array (row, column, slice), without a place in space."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.images.files import check_claim
from LungUNetSegLib.io.masks.label_values import lungs_of_values
from LungUNetSegLib.io.masks.planes import Planes, on_slices
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Geometry, Volume

_UNREADABLE = (
    *(OSError, ValueError, EOFError, TypeError, AttributeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What NumPy raises of damaged archives."""


def read_npz(path: Path, reference: Geometry | None, slice_places: FloatArray | None) -> Volume:
    """Return the lungs in a .npz file with one array (row, column, slice).

    Args:
        path: The file.
        reference: Grid of the scan that it belongs to.
        slice_places: Where on it the scan had slices; the array may have a plane for each of these instead.

    Raises:
        ReadError: No such file, no grid, or another number of voxels.
    """
    if reference is None:
        raise ReadError(f"{path}: a .npz mask has no position in space; it can only be read with its scan.")
    arrays = _arrays_in(path)
    solid = [array for array in arrays.values() if array.ndim == 3 and array.dtype.kind in "biuf"]
    if len(solid) != 1:
        held = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ReadError(f"{path}: expected one array (row, column, slice), found {held or 'none'}.")
    values, _ = lungs_of_values(solid[0], path)
    array = np.moveaxis(values, -1, 0)[:: slice_step(reference)]
    if slice_places is not None and array.shape == (len(slice_places), *reference.shape[1:]):
        # One plane per file: as many as the scan had slices before gaps were filled.
        labels = np.zeros(reference.shape, np.uint8)
        for value in (RIGHT_LUNG, LEFT_LUNG):
            labels[on_slices(Planes(slice_places, array == value), len(labels))] = value
        return Volume(labels, reference)
    if array.shape != reference.shape:
        raise ReadError(f"{path}: the mask has {array.shape} (slice, row, column) voxels, its scan {reference.shape}.")
    return Volume(array, reference)


def slice_step(geometry: Geometry) -> int:
    """Return 1 if a grid's slices run to the head, else -1: the paper's arrays are ordered by rising z."""
    return 1 if geometry.affine_lps[2, 0] >= 0 else -1


def _arrays_in(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        # NumPy would leave a broken archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            claimed = sum(entry.file_size for entry in archive.zip.infolist())
            check_claim(path, claimed, path.stat().st_size, deflated=True)
            return {name: np.asarray(archive[name]) for name in archive.files}
    except _UNREADABLE as error:
        raise ReadError(f"{path}: cannot be read as a NumPy archive ({error}).") from error
