"""Both forms of a NIfTI scan's place, kept in the label map that lies on it.

A header has room for two places, the qform and the sform, and programs differ in which they follow. A result whose
header had one of them twice would lie beside its scan in the programs that follow the other.
"""

from __future__ import annotations

import gzip
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

UNITS_AT, PIXDIM_AT, CODES_AT, QFORM_AT, SFORM_AT = 123, 76, 252, 256, 280
"""Where these numbers stand in a NIfTI-1 header (nifti1.h)."""

_LEVEL = 6


@dataclass(frozen=True)
class NiftiForms:
    """What a NIfTI header says of the voxels' place, in its own unit.

    Attributes:
        unit: Code of the unit of length.
        pixdim: The sign of the qform's third axis, and the sizes of voxels (column, row, slice).
        codes: Of qform and sform.
        qform: Quaternion b, c, d and offset.
        sform: The matrix, row by row.
    """

    unit: int
    pixdim: tuple[float, ...]
    codes: tuple[int, ...]
    qform: tuple[float, ...]
    sform: tuple[float, ...]


def put_forms(path: Path, forms: NiftiForms) -> None:
    """Replace the place in the header of an uncompressed NIfTI-1 file, which this machine wrote in little endian.

    Raises:
        OSError: The file cannot be changed.
    """
    with path.open("r+b") as file:
        for offset, form, values in (
            (UNITS_AT, "B", (forms.unit,)),
            (PIXDIM_AT, "4f", forms.pixdim),
            (CODES_AT, "2h", forms.codes),
            (QFORM_AT, "6f", forms.qform),
            (SFORM_AT, "12f", forms.sform),
        ):
            file.seek(offset)
            file.write(struct.pack("<" + form, *values))


def compress(path: Path) -> None:
    """Replace a file by its gzip.

    Raises:
        OSError: No space, or no permission; the file stays.
    """
    packed = path.with_name(f"{path.name}.gz")
    try:
        with path.open("rb") as source, gzip.GzipFile(packed, "wb", _LEVEL, mtime=0) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        packed.replace(path)
    finally:
        packed.unlink(missing_ok=True)
