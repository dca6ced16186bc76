"""Reads what ITK ignores in NRRD and MetaImage headers: units, scale, and whether a position is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images.voxels import StoredVoxels

HEADER_BYTES = 1 << 24
"""Number of bytes in which a text header is searched; segmentations with many segments have long ones."""

UNKNOWN_SIDES = Finding(
    "no-orientation",
    "The file does not state the patient's orientation: right and left may be swapped.",
)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Corrections for the image that ITK makes of a file.

    Attributes:
        unit_mm: Factor that makes its spacing and origin mm.
        spacing: (column, row, slice) to set before that, if ITK does not read it from the header; else None.
        slope, intercept: Value = slope * stored + intercept.
        stored: Where the voxels are; None if only ITK reads them.
        findings: Remarks on the header.
    """

    unit_mm: float = 1.0
    spacing: tuple[float, ...] | None = None
    slope: float = 1.0
    intercept: float = 0.0
    stored: StoredVoxels | None = None
    findings: tuple[Finding, ...] = ()


def text_header(path: Path, ends: tuple[bytes, ...]) -> tuple[list[str], int]:
    """Return a file's lines up to one that begins with one of `ends` (or is empty), and the offset of the data."""
    lines: list[str] = []
    with path.open("rb") as file:
        read = 0
        while read < HEADER_BYTES:
            line = file.readline(HEADER_BYTES)
            read += len(line)
            stripped = line.strip(b"\r\n")
            if not stripped and (not line or b"" in ends):
                break
            lines.append(stripped.decode("utf-8", "replace"))
            if any(end and stripped.startswith(end) for end in ends):
                break
        return lines, read


def numbers(text: str) -> list[float]:
    """Return the numbers in a header line; anything else becomes NaN."""
    values = []
    for word in text.replace(",", " ").split():
        try:
            values.append(float(word))
        except ValueError:
            values.append(float("nan"))
    return values
