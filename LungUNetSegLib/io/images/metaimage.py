"""Checks MetaImage headers (.mha, .mhd) before ITK reads the voxels.

Source: https://itk.org/Wiki/ITK/MetaIO/Documentation. ITK assumes 1 mm if no spacing is given, leaves DistanceUnits
and the intensities' scale to its caller, and opens any file that ElementDataFile names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images.files import (
    check_claim,
    check_data_files,
    check_deflated,
    more_data,
    place_of_voxels,
    spacing_of,
    unit_mm,
)
from LungUNetSegLib.io.images.grid import UNKNOWN_SIDES, Grid, numbers, text_header
from LungUNetSegLib.io.images.voxels import StoredVoxels

_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
_TYPES = {
    **{"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4"},
    **{"MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}
"""NumPy's names of the types that are the same size everywhere."""

_ORDERS = {"true": ">", "false": "<"}
_PACKINGS: dict[str, Literal["", "zlib"]] = {"true": "zlib", "false": ""}
_MATRICES = ("TransformMatrix", "Rotation", "Orientation")
_OWN = "LOCAL"
"""For a data file: the voxels follow the header."""

_ORIGINS_OF_AXES = "RAI"
"""Anatomical orientation of the identity in LPS: from the right, from the front, from below."""


def is_metaimage(path: Path) -> bool:
    """Whether a file has the name of a MetaImage."""
    return path.name.lower().endswith((".mha", ".mhd"))


def check_metaimage(path: Path) -> Grid:
    """Return the corrections that ITK does not make for a MetaImage.

    Raises:
        ReadError: No spacing, sizes that the file cannot hold, or a data file elsewhere.
    """
    fields, start = _read_fields(path)
    if "ElementDataFile" not in fields or "DimSize" not in fields or fields.get("ObjectType", "Image") != "Image":
        raise ReadError(f"{path}: is not a MetaImage file, or its header is damaged or cut short.")
    stored, findings = _check_data(fields, start, path)
    spacing = fields.get("ElementSpacing") or fields.get("ElementSize")
    if spacing is None:
        raise ReadError(
            f"{path}: its header gives no spacing (ElementSpacing), so volumes are unknown; save it with its spacing."
        )
    taken = spacing_of(numbers(spacing)[:3], path)
    if len(taken) < min(3, len(fields["DimSize"].split())):
        raise ReadError(f"{path}: its header gives the spacing as {spacing}, a number too few; is it damaged?")
    if not any(name in fields for name in _MATRICES) and fields.get("AnatomicalOrientation") != _ORIGINS_OF_AXES:
        findings += (UNKNOWN_SIDES,)
    slope = _number(fields, ("ElementToIntensityFunctionSlope", "ElementIntensitySlope"), 1.0, path)
    intercept = _number(fields, ("ElementToIntensityFunctionOffset", "ElementIntensityOffset"), 0.0, path)
    return Grid(
        unit_mm=unit_mm(fields.get("DistanceUnits", ""), path),
        spacing=tuple(taken),
        slope=slope,
        intercept=intercept,
        stored=stored,
        findings=findings,
    )


def data_files(path: Path) -> list[Path]:
    """Return the files, other than a MetaImage's own, that hold its voxels.

    Raises:
        ReadError: One of them lies elsewhere, or is no ordinary file.
    """
    fields, _ = _read_fields(path)
    return _data_files(fields, path) or []


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the header's fields by name, and the offset of the data."""
    lines, start = text_header(path, (b"ElementDataFile",))
    parts = (line.partition("=") for line in lines)
    return {name.strip(): value.strip() for name, equals, value in parts if equals}, start


def _number(fields: dict[str, str], names: tuple[str, ...], default: float, path: Path) -> float:
    value = next((numbers(fields[name]) for name in names if fields.get(name)), [default])
    if len(value) != 1 or not np.isfinite(value[0]):
        raise ReadError(f"{path}: its header's {names[0]} is not a number; is it damaged?")
    return value[0]


def _check_data(fields: dict[str, str], start: int, path: Path) -> tuple[StoredVoxels | None, tuple[Finding, ...]]:
    """Look for the data where the header says, compare their number, and say where and if there are more."""
    sizes = numbers(fields["DimSize"])
    if not sizes or not all(np.isfinite(size) and size >= 1 and size == int(size) for size in sizes):
        raise ReadError(f"{path}: its header gives the size as {fields['DimSize']}; is it damaged?")
    kind = fields.get("ElementType", "").removeprefix("MET_").removesuffix("_ARRAY").removeprefix("U")
    channels = numbers(fields.get("ElementNumberOfChannels", "1"))[0]
    claimed = int(np.prod([int(size) for size in sizes], dtype=object)) * _BYTES.get(kind, 1)
    claimed *= int(channels) if np.isfinite(channels) else 1
    data, start, stored = place_of_voxels(path, start, _data_files(fields, path), fields.get("ElementDataFile", _OWN))
    is_text = fields.get("BinaryData", "True").lower() == "false"
    deflated = fields.get("CompressedData", "False").lower() == "true"
    check_claim(path, claimed // 8 if is_text else claimed, stored, deflated=deflated)
    if data is None or is_text:
        return None, ()
    if deflated:
        if data is path and not numbers(fields.get("CompressedDataSize", "0"))[0] > 0:
            raise ReadError(
                f"{path}: its header does not say how much is compressed (CompressedDataSize); save it again."
            )
        stored = check_deflated(path, data, start, claimed)
    skipped = numbers(fields.get("HeaderSize", "0"))[0]
    if not skipped >= 0:
        return None, ()
    voxels = None if skipped else _stored(fields, sizes, data, start)
    return voxels, more_data(stored - claimed - int(skipped), claimed, int(sizes[-1]))


def _stored(fields: dict[str, str], sizes: list[float], data: Path, start: int) -> StoredVoxels | None:
    """Return where the voxels are; None where their number of axes, type or coding is for ITK to judge."""
    name = _TYPES.get(fields.get("ElementType", ""))
    said = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "")).lower()
    order = _ORDERS.get(said)
    is_one = numbers(fields.get("ElementNumberOfChannels", "1")) == [1.0]
    packing = _PACKINGS.get(fields.get("CompressedData", "False").lower())
    is_plain = is_one and packing is not None and fields.get("BinaryData", "").lower() == "true"
    if len(sizes) != 3 or not is_plain or name is None or (order is None and np.dtype(name).itemsize > 1):
        return None
    columns, rows, slices = (int(size) for size in sizes)
    return StoredVoxels(data, start, (slices, rows, columns), np.dtype((order or "") + name), packing or "")


def _data_files(fields: dict[str, str], path: Path) -> list[Path] | None:
    """Return the files that a header names for its voxels; None if they follow the header."""
    name = fields.get("ElementDataFile", _OWN)
    if name.upper() == _OWN:
        return None
    listed = path.read_text("utf-8", "replace").partition("ElementDataFile")[2].splitlines()[1:]
    return check_data_files(path, name, listed)
