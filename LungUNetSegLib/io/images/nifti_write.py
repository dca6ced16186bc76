"""Writes NIfTI files plane by plane: ITK takes three times the memory of the voxels, and reports no full disk.

The header has the fields and values that ITK writes (nifti1.h).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io.images.nifti_forms import (
    CODES_AT,
    PIXDIM_AT,
    QFORM_AT,
    SFORM_AT,
    UNITS_AT,
    NiftiForms,
    forms_of,
)
from LungUNetSegLib.volume import Volume

HEADER_BYTES, VOXELS_AT = 348, 352
LEVEL = 6
"""The level of gzip."""

_GZIP = 16 + zlib.MAX_WBITS
"""zlib's number for files of gzip."""

_TYPES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
"""Codes of the types of voxels, by NumPy's kind and bytes."""

_DIM_AT, _TYPE_AT, _SCALE_AT, _NOTE_AT, _MAGIC_AT = 40, 70, 108, 148, 344


def write_nifti(volume: Volume, path: Path, forms: NiftiForms | None = None, note: str = "") -> None:
    """Write a volume whose axes are at right angles; compressed if the name ends in ``.gz``.

    Args:
        volume: What to write.
        path: Its file.
        forms: The place that the header states; if None, the volume's own as both forms.
        note: A text for the header, at most 79 characters.

    Raises:
        OSError: Missing or read-only folder, full disk.
        WriteError: NIfTI has no such type of voxels, or does not count so many along an axis.
    """
    dtype = volume.array.dtype if volume.array.dtype != np.bool_ else np.dtype(np.uint8)
    if dtype.str[1:] not in _TYPES or max(volume.array.shape) > np.iinfo(np.int16).max:
        raise WriteError(f"{path.name}: NIfTI cannot hold {volume.array.shape} voxels of type {dtype}; write a .nrrd.")
    header = _header(volume, dtype, forms or forms_of(volume.geometry), note)
    content = _content(header, volume, dtype)
    with path.open("wb") as file:
        if path.name.lower().endswith(".gz"):
            # Labels are runs of equal bytes: looking for nothing else takes half of the time, and the file is smaller.
            strategy = zlib.Z_RLE if dtype.itemsize == 1 else zlib.Z_DEFAULT_STRATEGY
            packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP, zlib.DEF_MEM_LEVEL, strategy)
            for part in content:
                file.write(packer.compress(part))
            file.write(packer.flush())
        else:
            for part in content:
                file.write(part)


def _content(header: bytes, volume: Volume, dtype: np.dtype[np.generic]) -> Iterator[bytes | memoryview]:
    """Yield the header, and each plane's voxels."""
    yield header
    for plane in volume.array:
        yield np.ascontiguousarray(plane, dtype.newbyteorder("<")).data


def _header(volume: Volume, dtype: np.dtype[np.generic], forms: NiftiForms, note: str) -> bytes:
    header = bytearray(VOXELS_AT)
    for offset, form, values in (
        (0, "i", (HEADER_BYTES,)),
        (38, "c", (b"r",)),
        (_DIM_AT, "8h", (3, *volume.array.shape[::-1], 1, 1, 1, 1)),
        (_TYPE_AT, "2h", (_TYPES[dtype.str[1:]], 8 * dtype.itemsize)),
        (PIXDIM_AT, "4f", forms.pixdim),
        (_SCALE_AT, "3f", (VOXELS_AT, 1.0, 0.0)),
        (UNITS_AT, "B", (forms.unit,)),
        (_NOTE_AT, "79s", (note.encode("ascii"),)),
        (CODES_AT, "2h", forms.codes),
        (QFORM_AT, "6f", forms.qform),
        (SFORM_AT, "12f", forms.sform),
        (_MAGIC_AT, "4s", (b"n+1",)),
    ):
        struct.pack_into("<" + form, header, offset, *values)
    return bytes(header)
