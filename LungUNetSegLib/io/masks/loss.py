"""Checks how much of a mask lies outside the scan that it belongs to."""

from __future__ import annotations

from pathlib import Path

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding

GREATEST_LOSS = 0.05
"""Share of a mask that may fall outside the scan it is read for; more means that it belongs to another scan."""

TOLD_LOSS = 0.01
"""Share of a mask whose loss is remarked upon; a coarser grid alone changes less."""


def check_loss(inside: float, drawn: float, unit: str, path: Path) -> tuple[Finding, ...]:
    """Return a finding on how much of a mask lies outside its scan, if it is more than rounding.

    Args:
        inside: Size of what lies within the scan.
        drawn: Size of all.
        unit: Of both.
        path: The mask's file.

    Raises:
        ReadError: A good part of it lies outside.
    """
    if inside < (1 - GREATEST_LOSS) * drawn:
        raise ReadError(
            f"{path}: only {inside:.0f} of the mask's {drawn:.0f} {unit} lie within the scan;"
            " it belongs to another scan or its position is wrong."
        )
    if inside < (1 - TOLD_LOSS) * drawn:
        message = f"Of the mask's {drawn:.0f} {unit} only {inside:.0f} {unit} lie within the scan."
        return (Finding("mask-cropped", message),)
    return ()
