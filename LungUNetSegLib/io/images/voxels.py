"""Reads the voxels of image files a few MB at a time, so that these need no memory beside the array they fill."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.images.files import TAIL_BYTES, Inflated
from LungUNetSegLib.volume.memory import let_go, new_voxels

_CHUNK_BYTES = 1 << 22


@dataclass(frozen=True)
class StoredVoxels:
    """Where a file keeps its voxels, one after the other, columns fastest.

    Attributes:
        path: The file, which may be another than the header's.
        start: Offset of the first byte.
        shape: (slice, row, column).
        dtype: Type with its byte order.
        packing: How they are compressed; "" if they are not. Gzip may have several members, as tools that
            compress in blocks write them.
        layers: Number of values of each voxel, which follow each other.
    """

    path: Path
    start: int
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    packing: Literal["", "gzip", "zlib"]
    layers: int = 1


def read_stored(stored: StoredVoxels) -> npt.NDArray[Any]:
    """Return (layer, slice, row, column) values as stored, in this machine's byte order.

    Raises:
        ReadError: Damaged or cut short.
    """
    try:
        with stored.path.open("rb") as file:
            file.seek(stored.start)
            if stored.packing != "gzip":
                content = Inflated(file) if stored.packing else file
                return _read_layers(content, stored)
            with gzip.GzipFile(fileobj=file) as members:
                array = _read_layers(members, stored)
                left_over(members)
                return array
    except (EOFError, OSError, zlib.error) as error:
        raise ReadError(f"{stored.path}: cannot be unpacked; it is damaged or cut short ({error}).") from error


def _read_layers(content: BinaryIO | gzip.GzipFile | Inflated, stored: StoredVoxels) -> npt.NDArray[Any]:
    return read_values_of(content, stored.shape, stored.dtype, stored.path, layers=stored.layers)


def read_values_of(
    content: BinaryIO | gzip.GzipFile | Inflated,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    path: Path,
    scale: tuple[float, float] = (1.0, 0.0),
    layers: int = 1,
) -> npt.NDArray[Any]:
    """Return the (layer, slice, row, column) values that follow in a file: value = slope * stored + intercept.

    Args:
        content: The file, at its first voxel.
        shape: How many voxels there are.
        dtype: How they are stored.
        path: For the message.
        scale: Slope and intercept; of other than (1, 0) the result is float32.
        layers: Number of values of each voxel, which follow each other in the file.

    Raises:
        ReadError: There are fewer.
    """
    slope, intercept = scale
    is_scaled = scale != (1.0, 0.0)
    array = new_voxels((layers, *shape), np.float32 if is_scaled else dtype.newbyteorder("="))
    rows = array.reshape(layers, -1, shape[2])
    at_once = max(1, _CHUNK_BYTES // (layers * shape[2] * dtype.itemsize))
    for start in range(0, rows.shape[1], at_once):
        part = rows[:, start : start + at_once]
        wanted = part.size * dtype.itemsize
        raw = content.read(wanted)
        if len(raw) < wanted:
            raise ReadError(f"{path}: the file is damaged or cut short; copy or download it again.")
        stored = np.moveaxis(np.frombuffer(raw, dtype).reshape(*part.shape[1:], layers), -1, 0)
        part[:] = stored * slope + intercept if is_scaled else stored
        let_go(array)
    return array


def left_over(content: BinaryIO | gzip.GzipFile) -> int:
    """Count the bytes that follow, up to a limit; the end of a compressed file verifies its checksum."""
    count = 0
    while count < TAIL_BYTES and (chunk := content.read(_CHUNK_BYTES)):
        count += len(chunk)
    return count
