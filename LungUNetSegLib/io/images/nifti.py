"""Reads NIfTI files with own code, because ITK alters sheared axes, turns NaN into water, fills truncated files with
zeros, and has settings that are global, which is not safe with readers in threads.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.endings import NIFTI_ENDINGS, ending_of
from LungUNetSegLib.io.images.files import check_claim, check_file, more_data
from LungUNetSegLib.io.images.nifti_header import HEADER_BYTES, NiftiHeader, parse
from LungUNetSegLib.io.images.voxels import left_over, read_values_of
from LungUNetSegLib.volume import Geometry, Volume

_GZIP_MAGIC = b"\x1f\x8b"


def is_nifti(path: Path) -> bool:
    """Whether a file has the name of a NIfTI file."""
    return ending_of(path, NIFTI_ENDINGS) is not None


def read_nifti(path: Path) -> tuple[Volume, tuple[Finding, ...]]:
    """Return a file's values as stored, or as float32 if the header scales them, and findings.

    The axes of the result need not be orthogonal. This needs memory for the voxels and a few MB more.

    Raises:
        ReadError: Missing, damaged, cut short, of another kind, or without a place in space.
    """
    check_file(path)
    with unpacked(path) as (content, is_compressed):
        header = parse(content.read(HEADER_BYTES), path)
        claimed = int(np.prod(header.shape, dtype=object)) * header.stored.itemsize
        check_claim(path, claimed, path.stat().st_size, deflated=is_compressed)
        content.seek(header.offset)
        scale = (header.slope, header.intercept)
        (array,) = read_values_of(content, header.shape, header.stored, path, scale)
        extra = left_over(content)
    findings = header.findings + more_data(extra, claimed, header.shape[0])
    return Volume(array, Geometry(header.shape, header.affine_lps)), findings


def read_header(path: Path) -> NiftiHeader:
    """Return a NIfTI file's header.

    Raises:
        ReadError: It is no NIfTI file, or its header is damaged.
    """
    with unpacked(path) as (content, _):
        return parse(content.read(HEADER_BYTES), path)


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """Yield a file's content, unpacked if it is compressed, whatever its ending; and whether it is compressed."""
    with path.open("rb") as file:
        is_compressed = file.read(2) == _GZIP_MAGIC
    try:
        with gzip.open(path) if is_compressed else path.open("rb") as content:
            yield cast(BinaryIO, content), is_compressed
    except (EOFError, OSError, zlib.error) as error:
        raise ReadError(f"{path}: cannot be unpacked; it is damaged or cut short ({error}).") from error
