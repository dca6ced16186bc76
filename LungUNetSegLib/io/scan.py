"""What every reader returns: a scan in HU, where it came from and what its reader should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.volume import Volume

PathInput: TypeAlias = str | PathLike[str]
ScanInput: TypeAlias = PathInput | Sequence[PathInput]
"""A folder or file, or a list of DICOM files."""

LEAST_PIXELS = 8
LEAST_EXTENT_MM, GREATEST_EXTENT_MM = 10.0, 5000.0
LEAST_RANGE_HU = 100
AIR_BELOW_HU = -200


@dataclass(frozen=True, eq=False)
class Scan:
    """One CT that can be segmented.

    Attributes:
        volume: int16 HU.
        source: The file or folder it was read from.
        series_uid: What `read_scan` takes to choose this series again; None for image files.
        description: One line for people: series description or file name, slices, spacing.
        findings: What was odd about it and what was done.
        slice_places: Where the scanner's slices lie on the volume's slice axis, as fractional indices; whole numbers
            but where slices were missing or uneven and the volume is interpolated. None where that is not known.
    """

    volume: Volume
    source: Path
    series_uid: str | None
    description: str
    findings: tuple[Finding, ...] = ()
    slice_places: npt.NDArray[np.float64] | None = None


def describe(title: str, volume: Volume) -> str:
    """Return one line that names a scan and its grid."""
    spacing = " x ".join(f"{each:.3g}" for each in volume.geometry.spacing_mm)
    size = " x ".join(map(str, volume.array.shape))
    return f"{title}: {size} voxels of {spacing} mm"


def check_ct(volume: Volume, source: Path) -> tuple[Finding, ...]:
    """Refuse what cannot be a CT of a body, and remark on intensities that are probably not HU.

    Raises:
        ReadError: Too few pixels, a size that no body has, or hardly any contrast.
    """
    shape, spacing = volume.array.shape, volume.geometry.spacing_mm
    if sorted(shape)[1] < LEAST_PIXELS:
        raise ReadError(f"{source}: the image has only {' x '.join(map(str, shape))} voxels; no CT is so small.")
    extent_mm = max(size * step for size, step in zip(shape, spacing, strict=True))
    if not LEAST_EXTENT_MM <= extent_mm <= GREATEST_EXTENT_MM:
        raise ReadError(f"{source}: the image is {extent_mm:.4g} mm wide; its spacing is probably not in millimetres.")
    low, high = int(volume.array.min()), int(volume.array.max())
    if high - low < LEAST_RANGE_HU:
        raise ReadError(
            f"{source}: all values lie between {low} and {high}, so this is no CT in Hounsfield units"
            " (a label map, or an image normalised for some other program?). Give the original scan."
        )
    if low > AIR_BELOW_HU:
        message = f"No value is below {low}: there is no air, or the values are not Hounsfield units."
        return (Finding("no-air", message),)
    return ()
