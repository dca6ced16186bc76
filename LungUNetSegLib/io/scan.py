"""Defines the result of every reader: a scan in HU with its source and findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images.nifti_forms import NiftiForms
from LungUNetSegLib.io.slice_order import out_of_order
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume
from LungUNetSegLib.volume.memory import planes_of

if TYPE_CHECKING:
    from LungUNetSegLib.io.dicom.headers import SliceHeader

PathInput: TypeAlias = str | PathLike[str]
ScanInput: TypeAlias = PathInput | Sequence[PathInput]
"""A folder or file, or a list of DICOM files."""

LEAST_PIXELS = 8
LEAST_EXTENT_MM, GREATEST_EXTENT_MM = 10.0, 5000.0
BODY_EXTENT_MM = 100.0
"""Smallest field of view of scanners in mm; a smaller image is a crop, or its spacing is not in mm."""

LEAST_SPACING_MM, GREATEST_SPACING_MM = 0.01, 25.0
"""Distances of voxels; beyond the second a lung's outline changes too much from one slice to the next."""

LEAST_RANGE_HU = 100
AIR_BELOW_HU = -850
LEAST_AIR = 1e-3
"""Room air and lung give a larger share of voxels between padding and this: 0.009 and more in rectangles around one
lung, 0.07 in whole slices. If there are fewer, the values may be stored numbers, or HU that were shifted, scaled or cut
off."""

SCANNER_HU = (-1100, 3071)
BEYOND_SHARE, BEYOND_VALUES = 0.02, 16
"""Metal and padding lie outside a scanner's range, in few voxels or at few values; more of both are not
Hounsfield units."""


@dataclass(frozen=True, eq=False)
class Scan:
    """One CT that can be segmented.

    Attributes:
        volume: int16 HU.
        source: The file or folder that it was read from.
        series_uid: The `series_uid` with which `read_scan` chooses this series again; None for image files.
        description: One line for people: series description or file name, slices, spacing.
        findings: What was odd about it and what was done.
        slice_places: Where the scanner's slices lie on the volume's slice axis, as fractional indices; whole numbers
            but where slices were missing or uneven and the volume is interpolated. None where that is not known.
        forms: Both forms of a NIfTI file's place, which its label map shall have too.
        slices: Headers of the DICOM slices that it was read from, in their order along the slice axis; none for image
            files. What is written about the scan as DICOM refers to them.
    """

    volume: Volume
    source: Path
    series_uid: str | None
    description: str
    findings: tuple[Finding, ...] = ()
    slice_places: npt.NDArray[np.float64] | None = None
    forms: NiftiForms | None = None
    slices: tuple[SliceHeader, ...] = ()


def describe(title: str, volume: Volume) -> str:
    """Return one line that names a scan and its grid."""
    spacing = " x ".join(f"{each:.3g}" for each in volume.geometry.spacing_mm)
    size = " x ".join(map(str, volume.array.shape))
    return f"{title}: {size} voxels of {spacing} mm"


def check_ct(volume: Volume, source: Path) -> tuple[Finding, ...]:
    """Refuse images that cannot be a CT of a body, and return findings on doubtful sizes and intensities.

    Raises:
        ReadError: Too few pixels, a size or spacing that no CT of a body has, or almost no contrast.
    """
    shape = volume.array.shape
    if sorted(shape)[1] < LEAST_PIXELS:
        raise ReadError(f"{source}: the image has only {' x '.join(map(str, shape))} voxels; no CT is so small.")
    findings = _check_size(volume.geometry, source) + _check_default(volume.geometry)
    ranges = [(int(plane.min()), int(plane.max())) for plane in planes_of(volume.array)]
    low, high = min(least for least, _ in ranges), max(most for _, most in ranges)
    if high - low < LEAST_RANGE_HU:
        raise ReadError(
            f"{source}: all values lie between {low} and {high}, so this is no CT in Hounsfield units"
            " (a label map, or an image normalised for some other program?). Give the original scan."
        )
    return findings + _check_air(volume, low) + out_of_order(volume)


def _check_air(volume: Volume, low: int) -> tuple[Finding, ...]:
    """Return a finding if no voxel has the density of air or light lung, or next to none but those of padding."""
    if low > AIR_BELOW_HU:
        message = f"No value is below {low}: the scan shows no air, or the values are not Hounsfield units."
        return (Finding("no-air", message),)
    step, row, column = (max(1, size // 64) for size in volume.array.shape)
    sample = np.concatenate([plane[::row, ::column].ravel() for plane in planes_of(volume.array[::step])])
    if np.count_nonzero((sample > AIR_HU) & (sample < AIR_BELOW_HU)) >= LEAST_AIR * sample.size:
        return ()
    message = (
        f"Nearly no value lies between {AIR_HU}, which may be padding, and {AIR_BELOW_HU}: the scan shows no air, or"
        " the values are not Hounsfield units."
    )
    return (Finding("no-air", message),)


def _check_size(geometry: Geometry, source: Path) -> tuple[Finding, ...]:
    spacing = geometry.spacing_mm
    extents_mm = sorted(size * step for size, step in zip(geometry.shape, spacing, strict=True))
    if not LEAST_EXTENT_MM <= extents_mm[-1] <= GREATEST_EXTENT_MM or extents_mm[1] < LEAST_EXTENT_MM:
        widths = " x ".join(f"{each:.4g}" for each in extents_mm[::-1])
        raise ReadError(f"{source}: the image is {widths} mm wide; its spacing is probably not in millimetres.")
    if not LEAST_SPACING_MM <= min(spacing) <= max(spacing) <= GREATEST_SPACING_MM:
        wrong = max(spacing) if max(spacing) > GREATEST_SPACING_MM else min(spacing)
        raise ReadError(
            f"{source}: the voxels lie {wrong:.4g} mm apart; lungs can be segmented up to"
            f" {GREATEST_SPACING_MM:g} mm. Give the series with the thinner slices, or correct the spacing."
        )
    if extents_mm[-1] >= BODY_EXTENT_MM:
        return ()
    message = (
        f"The image is only {extents_mm[-1]:.4g} mm wide. If it shows a whole chest, its spacing is not in millimetres,"
        " and the volumes are wrong."
    )
    return (Finding("small-image", message),)


def _check_default(geometry: Geometry) -> tuple[Finding, ...]:
    """Return a finding if a grid is the one that programs write where they were given none."""
    if geometry.affine_lps[:3, 3].any() or geometry.spacing_mm.count(1.0) < 2:
        return ()
    message = (
        "The first voxel lies at 0, 0, 0 and voxels are 1 mm wide, as programs write where they know no place: if the"
        " scan was saved without its header, volumes and sides are wrong. Give the original scan."
    )
    return (Finding("spacing-in-doubt", message),)


def beyond_scanner(values: npt.NDArray[Any]) -> bool:
    """Whether a sample of HU exceeds a scanner's range in more voxels than metal and padding explain."""
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = SCANNER_HU
    for beyond in (values[values < low], values[values > high]):
        if beyond.size > BEYOND_SHARE * values.size and len(np.unique(np.rint(beyond))) > BEYOND_VALUES:
            return True
    return False


BEYOND_SCANNER = Finding(
    "beyond-scanner",
    "Many values lie below -1100 or above 3071, beyond the range of CT scanners: were they scaled twice?",
)
