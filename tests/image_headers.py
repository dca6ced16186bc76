"""Image files whose headers a test writes line by line, with the voxels behind them or in a file of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scan_checks

SPACING = (14.125, 5.15625, 4.5)
"""Of `small_phantom`-like scans (slice, row, column), exact in float32."""

LPS = "space: left-posterior-superior"
DIRECTIONS = "space directions: (4.5,0,0) (0,5.15625,0) (0,0,14.125)"
IDENTITY, ELEMENT = "TransformMatrix = 1 0 0 0 1 0 0 0 1", "ElementSpacing = 4.5 5.15625 14.125"


def refused(path: Path, *words: str) -> None:
    """A file is refused in one line with its path and these words."""
    scan_checks.refused(path, *words, str(path))


def write_text(path: Path, lines: str, array: np.ndarray, ends: str) -> Path:
    """Write the lines of a header, what ends it, and voxels of 16 bits."""
    path.write_bytes(lines.encode() + ends.encode() + array.astype("<i2").tobytes())
    return path


def nrrd(path: Path, array: np.ndarray, *lines: str) -> Path:
    """Write voxels as NRRD with these lines in the header."""
    sizes = " ".join(map(str, array.shape[::-1]))
    head = ["NRRD0004", "type: short", "dimension: 3", f"sizes: {sizes}", "endian: little", "encoding: raw", *lines]
    return write_text(path, "\n".join(head), array, "\n\n")


def metaimage(path: Path, array: np.ndarray, *lines: str, data: str = "LOCAL") -> Path:
    """Write voxels as MetaImage with these lines in the header; they follow it, or lie in the file `data`."""
    sizes = " ".join(map(str, array.shape[::-1]))
    head = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False",
            f"DimSize = {sizes}", *lines, "ElementType = MET_SHORT", f"ElementDataFile = {data}"]  # fmt: skip
    return write_text(path, "\n".join(head), array if data == "LOCAL" else array[:0], "\n")


def detached(path: Path, array: np.ndarray, data: str) -> Path:
    """Write a header that names the file `data` for its voxels."""
    if path.suffix in (".mhd", ".mha"):
        return metaimage(path, array, IDENTITY, ELEMENT, data=data)
    nrrd(path, array, LPS, DIRECTIONS, f"data file: {data}")
    path.write_bytes(path.read_bytes().split(b"\n\n")[0] + b"\n")
    return path
