"""Checks NRRD headers (.nrrd, .nhdr) before ITK reads the voxels.

Source: http://teem.sourceforge.net/nrrd/format.html. ITK assumes 1 mm if no spacing is given, ignores units and
``axis mins``, and opens any file that the header names.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images.files import (
    check_claim,
    check_data_files,
    more_data,
    place_of_voxels,
    spacing_of,
    unit_mm,
)
from LungUNetSegLib.io.images.grid import UNKNOWN_SIDES, Grid, numbers, text_header
from LungUNetSegLib.io.images.voxels import StoredVoxels

_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
"""NumPy's names of the types."""

_PATIENT_SPACES = (
    *("right-anterior-superior", "left-anterior-superior", "left-posterior-superior", "ras", "las", "lps"),
    *("left-posterior-superior-time", "lpst"),
)
"""Spaces with patient axes that ITK converts to LPS, or that are LPS; the others with time it takes as they are."""

_LAYERED = ("list", "vector")
"""Kinds of a first axis along which the layers of a segmentation follow each other, voxel by voxel."""

_DEFLATED = ("gzip", "gz")
_PACKED = (*_DEFLATED, "bzip2", "bz2")
_TEXT = ("text", "txt", "ascii", "hex")


def check_nrrd(path: Path) -> Grid:
    """Return the corrections that ITK does not make for a NRRD.

    Raises:
        ReadError: No spacing, lengths in an unknown unit, sizes that the file cannot hold, or a data file elsewhere.
    """
    lines, start = text_header(path, (b"",))
    if not lines or not lines[0].startswith("NRRD"):
        raise ReadError(f"{path}: is not an NRRD file, or it is damaged.")
    fields = _fields(lines)
    sizes = numbers(fields.get("sizes", ""))
    if not sizes or not all(np.isfinite(size) and size >= 1 and size == int(size) for size in sizes):
        raise ReadError(f"{path}: its header gives the sizes as {fields.get('sizes')}; is it damaged?")
    stored, findings = _check_data(fields, lines, sizes, start, path)
    grid = _grid(fields, sizes, path)
    grid = replace(grid, stored=stored, findings=(*grid.findings, *findings))
    if "old min" in fields or "old max" in fields:
        message = "The values were quantised (old min, old max in the header) and are not Hounsfield units."
        grid = replace(grid, findings=(*grid.findings, Finding("not-hu", message)))
    return grid


def _fields(lines: list[str]) -> dict[str, str]:
    """Return the header's fields by lower-case name, without key/value pairs (``:=``) and comments."""
    fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[name.strip().lower().replace("datafile", "data file")] = value.strip()
    return fields


def _grid(fields: dict[str, str], sizes: list[float], path: Path) -> Grid:
    if "space directions" in fields:
        vectors = re.findall(r"none|\([^)]*\)", fields["space directions"])
        steps = [numbers(each.strip("()")) for each in vectors if each != "none"]
        if len(steps) < 3:
            raise ReadError(_no_spacing(path, "space directions"))
        spacing_of((float(np.linalg.norm(step)) for step in steps), path)
        is_known = fields.get("space", "").lower() in _PATIENT_SPACES
        units = re.findall(r'"([^"]*)"', fields.get("space units", ""))
        return Grid(unit_mm=_one_unit(units[:3], path), findings=() if is_known else (UNKNOWN_SIDES,))
    units = re.findall(r'"([^"]*)"', fields.get("units", ""))
    unit = _one_unit(units[-3:] if len(units) == len(sizes) else units[:3], path)
    if "spacings" in fields:
        spacing = numbers(fields["spacings"])[-3:]
        if not np.isfinite(spacing).all():
            raise ReadError(_no_spacing(path, "spacings"))
        spacing_of(spacing, path)
        return Grid(unit_mm=unit, findings=(UNKNOWN_SIDES,))
    if "axis mins" in fields and "axis maxs" in fields:
        low, high = (np.array(numbers(fields[name]))[-3:] for name in ("axis mins", "axis maxs"))
        is_node = "node" in fields.get("centers", fields.get("centerings", ""))
        if len(low) == len(high) == len(sizes):
            spacing = list((high - low) / (np.array(sizes) - (1 if is_node else 0)))
            return Grid(unit_mm=unit, spacing=tuple(spacing_of(spacing, path)), findings=(UNKNOWN_SIDES,))
    raise ReadError(_no_spacing(path, "space directions or spacings"))


def _no_spacing(path: Path, field: str) -> str:
    return f"{path}: its header gives no spacing ({field}), so volumes are unknown; save it with its spacing."


def _one_unit(units: list[str], path: Path) -> float:
    """Return the common unit of all three axes."""
    factors = {unit_mm(unit, path) for unit in units} or {1.0}
    if len(factors) > 1:
        raise ReadError(f"{path}: its header gives the axes different units ({', '.join(units)}); save it in mm.")
    return factors.pop()


def _check_data(
    fields: dict[str, str], lines: list[str], sizes: list[float], start: int, path: Path
) -> tuple[StoredVoxels | None, tuple[Finding, ...]]:
    """Look for the data where the header says, compare their number, and say where and if there are more."""
    claimed = int(np.prod([int(size) for size in sizes], dtype=object)) * _bytes(fields)
    files = _data_files(fields, lines, path)
    data, start, stored = place_of_voxels(path, start, files, fields.get("data file", ""))
    encoding = fields.get("encoding", "raw").lower()
    if encoding in _TEXT:
        claimed //= 8
    check_claim(path, claimed, stored * (1000 if encoding in _PACKED[2:] else 1), deflated=encoding in _PACKED)
    skips = [numbers(fields.get(field, "0"))[0] for field in ("byte skip", "byteskip", "line skip", "lineskip")]
    if data is None or any(skips) or encoding not in ("raw", *_DEFLATED):
        return None, ()
    if encoding in _DEFLATED:
        stored = _unpacked(data, claimed)
    voxels = _stored(fields, sizes, data, start)
    return voxels, more_data(stored - claimed, claimed, int(sizes[-1]))


def data_files(path: Path) -> list[Path]:
    """Return the files, other than a NRRD's own, that hold its voxels.

    Raises:
        ReadError: One of them lies elsewhere, or is no ordinary file.
    """
    lines, _ = text_header(path, (b"",))
    return _data_files(_fields(lines), lines, path) or []


def _data_files(fields: dict[str, str], lines: list[str], path: Path) -> list[Path] | None:
    """Return the files that a header names for its voxels; None if they follow the header."""
    name = fields.get("data file")
    if name is None:
        return None
    at = next(number for number, line in enumerate(lines) if re.match(r"data ?file:", line, re.IGNORECASE))
    return check_data_files(path, name, lines[at + 1 :])


def _bytes(fields: dict[str, str]) -> int:
    """Bytes of a voxel; 1 for a type that ITK may know."""
    name = _TYPES.get(fields.get("type", "").lower())
    return np.dtype(name).itemsize if name else 1


def _stored(fields: dict[str, str], sizes: list[float], data: Path, start: int) -> StoredVoxels | None:
    """Return where the voxels are; None where their number of axes, type or byte order is for ITK to judge."""
    name = _TYPES.get(fields.get("type", "").lower())
    order = {"little": "<", "big": ">"}.get(fields.get("endian", "").lower())
    has_layers = len(sizes) == 4 and fields.get("kinds", "").lower().startswith(_LAYERED)
    if len(sizes) != 3 + has_layers or name is None or (order is None and np.dtype(name).itemsize > 1):
        return None
    columns, rows, slices = (int(size) for size in sizes[-3:])
    layers = int(sizes[0]) if has_layers else 1
    packing: Literal["", "gzip"] = "gzip" if fields.get("encoding", "raw").lower() in _DEFLATED else ""
    return StoredVoxels(data, start, (slices, rows, columns), np.dtype((order or "") + name), packing, layers)


def _unpacked(data: Path, claimed: int) -> int:
    """Bytes in a gzip stream by its own last word, which counts them up to 4 GB (RFC 1952); no fewer than claimed."""
    with data.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
    # Fewer are found out when they are unpacked, which checks them too.
    return claimed + (length - claimed) % (1 << 32) if length >= claimed % (1 << 32) else claimed
