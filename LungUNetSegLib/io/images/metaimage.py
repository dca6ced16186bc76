"""Checks MetaImage headers (.mha, .mhd) before ITK reads the voxels.

Source: https://itk.org/Wiki/ITK/MetaIO/Documentation. ITK assumes 1 mm if no spacing is given, leaves DistanceUnits
and the intensities' scale to its caller, and opens any file that ElementDataFile names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images.files import (
    check_claim,
    check_data_file,
    check_deflated,
    check_numbered_files,
    more_data,
    spacing_of,
    unit_mm,
)
from LungUNetSegLib.io.images.grid import UNKNOWN_SIDES, Grid, numbers, text_header

_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
_MATRICES = ("TransformMatrix", "Rotation", "Orientation")
_ORIGINS_OF_AXES = "RAI"
"""Anatomical orientation of the identity in LPS: from the right, from the front, from below."""


def check_metaimage(path: Path) -> Grid:
    """Return the corrections that ITK does not make for a MetaImage.

    Raises:
        ReadError: No spacing, sizes that the file cannot hold, or a data file elsewhere.
    """
    lines, start = text_header(path, (b"ElementDataFile",))
    fields = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals:
            fields[name.strip()] = value.strip()
    if "ElementDataFile" not in fields or "DimSize" not in fields or fields.get("ObjectType", "Image") != "Image":
        raise ReadError(f"{path}: is not a MetaImage file, or its header is damaged or cut short.")
    findings = _check_data(fields, start, path)
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
        findings=findings,
    )


def _number(fields: dict[str, str], names: tuple[str, ...], default: float, path: Path) -> float:
    value = next((numbers(fields[name]) for name in names if fields.get(name)), [default])
    if len(value) != 1 or not np.isfinite(value[0]):
        raise ReadError(f"{path}: its header's {names[0]} is not a number; is it damaged?")
    return value[0]


def _check_data(fields: dict[str, str], start: int, path: Path) -> tuple[Finding, ...]:
    """Look for the data where the header says, compare their number, and say if there are more."""
    sizes = numbers(fields["DimSize"])
    if not sizes or not all(size >= 1 and size == int(size) for size in sizes if np.isfinite(size)):
        raise ReadError(f"{path}: its header gives the size as {fields['DimSize']}; is it damaged?")
    if not np.isfinite(sizes).all():
        raise ReadError(f"{path}: its header gives the size as {fields['DimSize']}; is it damaged?")
    kind = fields.get("ElementType", "").removeprefix("MET_").removesuffix("_ARRAY").removeprefix("U")
    channels = numbers(fields.get("ElementNumberOfChannels", "1"))[0]
    claimed = int(np.prod([int(size) for size in sizes], dtype=object)) * _BYTES.get(kind, 1)
    claimed *= int(channels) if np.isfinite(channels) else 1
    name = fields["ElementDataFile"]
    data: Path | None = None
    if name.upper() == "LOCAL":
        data, stored = path, path.stat().st_size - start
    elif name.upper().startswith("LIST") or "%" in name:
        stored = _check_many(name, path)
    else:
        data, start = check_data_file(path, name), 0
        stored = data.stat().st_size
    is_text = fields.get("BinaryData", "True").lower() == "false"
    deflated = fields.get("CompressedData", "False").lower() == "true"
    check_claim(path, claimed // 8 if is_text else claimed, stored, deflated=deflated)
    if data is None or is_text:
        return ()
    if deflated:
        if data is path and not numbers(fields.get("CompressedDataSize", "0"))[0] > 0:
            raise ReadError(
                f"{path}: its header does not say how much is compressed (CompressedDataSize); save it again."
            )
        stored = check_deflated(path, data, start, claimed)
    skipped = numbers(fields.get("HeaderSize", "0"))[0]
    return more_data(stored - claimed - max(0, int(skipped)), claimed, int(sizes[-1])) if skipped >= 0 else ()


def _check_many(name: str, path: Path) -> int:
    """Return the file size for each slice, if a list or a pattern names one file per slice."""
    if "%" in name:
        return sum(each.stat().st_size for each in check_numbered_files(path, name))
    listed = path.read_text("utf-8", "replace").partition("ElementDataFile")[2].splitlines()[1:]
    return sum(check_data_file(path, each.strip()).stat().st_size for each in listed if each.strip())
