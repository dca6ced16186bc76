"""What ITK keeps silent about in NIfTI files: slanting axes, unknown places, missing bytes and missing numbers.

Source: nifti1.h (NIfTI-1 standard), and ITK's NiftiImageIO, which hands the header's fields on as metadata.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from LungUNetSegLib.errors import ReadError

_CHUNK_BYTES = 1 << 24
_FLOAT_TYPES = {"16": "f4", "64": "f8"}


def is_nifti(image: sitk.Image) -> bool:
    """Whether a loaded image came from a NIfTI file."""
    return bool(image.HasMetaDataKey("vox_offset") and image.HasMetaDataKey("qform_code"))


def place_is_unknown(image: sitk.Image) -> bool:
    """Whether the file says nothing of how the patient lies."""
    return all(image.GetMetaData(code) == "0" for code in ("qform_code", "sform_code"))


def slanting_affine(image: sitk.Image) -> npt.NDArray[np.float64] | None:
    """Return the file's (slice, row, column) to LPS mm matrix if ITK has bent its axes to right angles, else None."""
    if not image.HasMetaDataKey("ITK_sform_corrected") or image.GetMetaData("ITK_sform_corrected") != "YES":
        return None
    ras = np.eye(4)
    ras[:3] = [[float(number) for number in image.GetMetaData(f"srow_{axis}").split()] for axis in "xyz"]
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ras
    return lps[:, [2, 1, 0, 3]]


def check_length(image: sitk.Image, path: Path) -> None:
    """Raise ReadError if the file ends before its last voxel: ITK fills what is missing with zeros."""
    start, length = _data_range(image)
    if _uncompressed_size(path, start + length) < start + length:
        raise ReadError(f"{path}: the file is cut short; copy or download it again.")


def not_finite(image: sitk.Image, path: Path) -> npt.NDArray[np.bool_] | None:
    """Return where the file holds NaN or infinity, (slice, row, column), or None: ITK makes them 0, which is water."""
    kind = _FLOAT_TYPES.get(image.GetMetaData("datatype"))
    if kind is None:
        return None
    start, length = _data_range(image)
    with _opened(path) as file:
        order = "<" if int.from_bytes(file.read(4), "little") in (348, 540) else ">"
        file.seek(start)
        values = np.frombuffer(file.read(length), order + kind)
    lost = ~np.isfinite(values).reshape(image.GetSize()[::-1])
    return lost if lost.any() else None


@contextmanager
def slanting_axes_allowed() -> Iterator[None]:
    """Let ITK load files whose axes are not at right angles; `slanting_affine` then tells where they belong."""
    name = "ITK_NIFTI_SFORM_PERMISSIVE"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _data_range(image: sitk.Image) -> tuple[int, int]:
    """Offset and number of the voxels' bytes in the uncompressed file."""
    values = int(np.prod(image.GetSize())) * image.GetNumberOfComponentsPerPixel()
    return int(float(image.GetMetaData("vox_offset"))), values * int(image.GetMetaData("bitpix")) // 8


def _opened(path: Path) -> gzip.GzipFile:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _uncompressed_size(path: Path, wanted: int) -> int:
    if not path.name.lower().endswith(".gz"):
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        if int.from_bytes(file.read(4), "little") == wanted % 2**32:
            return wanted  # gzip's trailer; no need to unpack everything
    size = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                size += len(chunk)
    except (EOFError, OSError, zlib.error):
        pass
    return size
