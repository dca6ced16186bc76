"""What NRRD and MetaImage headers say that ITK does not hand on: units, scale, and whether a place is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.findings import Finding

HEADER_BYTES = 1 << 24
"""A text header is sought in so many bytes; segmentations with many segments have long ones."""

UNKNOWN_SIDES = Finding(
    "no-orientation",
    "The file does not say how the patient lies: right and left may be swapped.",
)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is to be done to the image that ITK makes of a file.

    Attributes:
        unit_mm: Factor that makes its spacing and origin mm.
        spacing: (column, row, slice) to set before that, where ITK takes none from the header; else None.
        slope, intercept: Value = slope * stored + intercept.
        findings: What is odd.
    """

    unit_mm: float = 1.0
    spacing: tuple[float, ...] | None = None
    slope: float = 1.0
    intercept: float = 0.0
    findings: tuple[Finding, ...] = ()


def text_header(path: Path, ends: tuple[bytes, ...]) -> tuple[list[str], int]:
    """Return a file's first lines up to one that begins with one of `ends` (or is empty), and where the data begin."""
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
    """Return the numbers of a header's line; what is none becomes NaN."""
    values = []
    for word in text.replace(",", " ").split():
        try:
            values.append(float(word))
        except ValueError:
            values.append(float("nan"))
    return values
