"""A result keeps both forms in which its CT's NIfTI file says where the voxels lie: ITK writes one twice.

Viewers differ in which they follow. Where a CT's forms differ, its result's must differ alike, or it lies beside the CT
in some of them.
"""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

from LungUNetSegLib.io.images.nifti import read_header
from LungUNetSegLib.io.images.nifti_header import Forms
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Geometry

_HEADER_BYTES = 348
_CHUNK_BYTES = 1 << 22
_COMPRESSION = 4
"""zlib's level; of a label map, higher ones make little less of it in more time."""


def forms_of(path: Path, geometry: Geometry) -> Forms | None:
    """Return both forms of the place of the image that `path` holds; None unless it lies on `geometry`.

    Raises:
        ReadError: It is no NIfTI file any more.
    """
    header = read_header(path)
    own = Geometry(header.shape, header.affine_lps)
    return header.forms if own.matches(geometry, GRID_TOLERANCE_MM) else None


def put_forms(forms: Forms, path: Path) -> None:
    """Give a NIfTI-1 file that ITK wrote other forms.

    Raises:
        OSError: It cannot be written.
    """
    is_compressed = path.name.lower().endswith(".gz")
    draft = path.with_name(f"{path.name}.forms")
    try:
        with gzip.open(path) if is_compressed else path.open("rb") as content:
            header = _with_forms(content.read(_HEADER_BYTES), forms)
            if header is None:
                return
            with gzip.open(draft, "wb", _COMPRESSION) if is_compressed else draft.open("wb") as target:
                target.write(header)
                shutil.copyfileobj(content, target, _CHUNK_BYTES)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _with_forms(header: bytes, forms: Forms) -> bytes | None:
    """Return a header with other forms; None where it has these already."""
    result = bytearray(header)
    qform_code, sform_code = forms.codes
    struct.pack_into("<2h", result, 252, qform_code, sform_code)
    if qform_code > 0:
        struct.pack_into("<4f", result, 76, *forms.pixdim)
        struct.pack_into("<6f", result, 256, *forms.quatern)
    if sform_code > 0:
        struct.pack_into("<12f", result, 280, *forms.srow)
    return None if bytes(result) == header else bytes(result)
