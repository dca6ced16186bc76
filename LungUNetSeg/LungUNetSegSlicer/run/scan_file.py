"""Writes a CT of the scene to a file for the child process, piece by piece.

Slicer's event loop runs between the pieces; writing a scan of 500 MB at once would freeze the user interface.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from slicer import vtkMRMLScalarVolumeNode

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.volume import Geometry
from LungUNetSegSlicer.scene.volume_bridge import geometry_from_ijk_to_ras, ijk_to_ras, voxels

PIECE_BYTES = 16 * 2**20
"""Written in about 10 ms."""

_NRRD_TYPES = {"f4": "float", "f8": "double"} | {
    f"{kind}{size}": f"{'u' * (kind == 'u')}int{8 * size}" for kind in "iu" for size in (1, 2, 4, 8)
}


def write_scan(node: vtkMRMLScalarVolumeNode, path: Path) -> Generator[None, None, Geometry]:
    """Write a volume's stored voxels and their position in LPS as an uncompressed NRRD file (Teem, NRRD0004).

    Yields:
        After each piece.

    Returns:
        The volume's grid.

    Raises:
        ReadError: The node is not a scalar volume, or NRRD does not support its voxel type.
        OSError: The disk is full, or the folder was removed.
    """
    array = voxels(node)
    if array.dtype.str[1:] not in _NRRD_TYPES:
        raise ReadError(f"The volume {node.GetName()!r} has voxels of type {array.dtype}; a CT has integers.")
    geometry = geometry_from_ijk_to_ras(array.shape, ijk_to_ras(node))
    with path.open("xb") as file:
        file.write(_header(array.dtype, geometry).encode("ascii"))
        for piece in _pieces(array):
            _write(file, piece)
            yield
    return geometry


def _pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    slices = max(1, PIECE_BYTES // array[0].nbytes)
    for start in range(0, len(array), slices):
        yield array[start : start + slices]


def _write(file: BinaryIO, piece: np.ndarray) -> None:
    file.write(np.ascontiguousarray(piece).data)


def _header(dtype: np.dtype, geometry: Geometry) -> str:
    """Return an NRRD header; its axes have the order in memory, fastest first: column, row, slice."""
    affine = geometry.affine_lps
    directions = " ".join(_vector(affine[:3, axis]) for axis in (2, 1, 0))
    return (
        "NRRD0004\n"
        f"type: {_NRRD_TYPES[dtype.str[1:]]}\n"
        "dimension: 3\n"
        "space: left-posterior-superior\n"
        f"sizes: {' '.join(str(size) for size in reversed(geometry.shape))}\n"
        f"space directions: {directions}\n"
        "kinds: domain domain domain\n"
        f"endian: {sys.byteorder}\n"
        "encoding: raw\n"
        f"space origin: {_vector(affine[:3, 3])}\n"
        "\n"
    )


def _vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"
