"""Arrays of voxels that take little memory: in temporary files, or only where something is written."""

from __future__ import annotations

import math
import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import WriteError

_folder: ContextVar[Path | None] = ContextVar("folder of temporary voxels", default=None)


class _FileMap(mmap.mmap):
    """The memory map of a temporary file; of other maps nothing may be let go, as they have no file."""


@contextmanager
def voxels_in_files(folder: Path) -> Iterator[None]:
    """Let `new_voxels`, meanwhile and in this thread, make arrays in temporary files of a folder."""
    before = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(before)


def new_voxels(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array to be filled: in memory, or within `voxels_in_files` in a file that vanishes with the array.

    Raises:
        WriteError: The folder cannot hold the file.
    """
    folder, size = _folder.get(), math.prod(shape) * np.dtype(dtype).itemsize
    if folder is None or size == 0:
        return np.empty(shape, dtype)
    block = bytes(mmap.PAGESIZE * 256)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # Zeros are written first: a full disk is an error here, but would end the process in a map.
            for start in range(0, size, len(block)):
                file.write(block[: size - start])
            file.flush()
            return np.frombuffer(_FileMap(file.fileno(), size), dtype).reshape(shape)
    except OSError as error:
        message = f"{folder} cannot hold a scan of {size / 1e6:.0f} MB while it is read: {error.strerror}; free some"
        raise WriteError(f"{message} space or choose another folder.") from error


def let_go(array: npt.NDArray[Any]) -> None:
    """Give back the memory of what was read or written of an array of `new_voxels` that lies in a file, or a view."""
    base = _source_of(array)
    if isinstance(base, _FileMap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)  # the file keeps it


def planes_of(array: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield (H, W) planes of a (D, H, W) array; of an array in a file only one is in memory at a time."""
    is_in_order = abs(array.strides[0]) == max(map(abs, array.strides))
    for plane in array:
        yield plane
        if is_in_order:  # otherwise each plane needs all of the file again
            let_go(array)


def sparse_zeros(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return bytes of 0 that take memory only where something is written, in pages of 4 kB.

    NumPy asks Linux for pages of 2 MB, each of which holds several slices: of labels that fill a third of their slices
    all would be kept.
    """
    size = math.prod(shape)
    # A private mapping, as by default it is shared, and a shared one takes memory also where it is read.
    return np.frombuffer(mmap.mmap(-1, max(1, size), access=mmap.ACCESS_COPY), np.uint8, size).reshape(shape)


def give_back(part: npt.NDArray[np.uint8]) -> None:
    """Give back the memory of a part of `sparse_zeros` that nobody needs any more; its values are lost.

    Arrays of other kinds stay as they are, as does all of it on systems that do not know how (Windows).

    Args:
        part: Whole planes, one after the other.
    """
    base = _source_of(part)
    if not isinstance(base, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED"):
        return
    start = part.ctypes.data - np.frombuffer(base, np.uint8).ctypes.data
    # A page at the edge is shared with other planes.
    first, last = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE, (start + part.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if first < last:
        base.madvise(mmap.MADV_DONTNEED, first, last - first)


def _source_of(array: npt.NDArray[Any]) -> object:
    """Return what holds the voxels of an array, or of a view of one."""
    source: object = array
    while isinstance(source, (np.ndarray, memoryview)):
        source = source.base if isinstance(source, np.ndarray) else source.obj
    return source
