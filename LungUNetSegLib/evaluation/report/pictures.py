"""Draws slices of a comparison as small PNG pictures: CT, reference, prediction and their differences.

Only zlib is used, so that a report can be made inside Slicer without another package. Rows run to the back and columns
to the patient's left: the patient's right is on the left of the picture, as usual in radiology.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.evaluation.compare import Comparison
from LungUNetSegLib.evaluation.report.examples import Role, choose_slices
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS, Segment
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume, bounding_box
from LungUNetSegLib.volume.resample import resample

Colour = tuple[int, int, int, int]
Plane = npt.NDArray[np.uint8]

WINDOW_HU = (-1350.0, 150.0)
"""The lung window of a CT viewer: level -600, width 1500."""

MARGIN_MM = 15.0
CLEAR: Colour = (0, 0, 0, 0)


def _see_through(segment: Segment) -> Colour:
    red, green, blue = (round(255 * part) for part in segment.colour)
    return red, green, blue, 120


LABEL_COLOURS: tuple[Colour, ...] = (CLEAR, *map(_see_through, LUNGS))
"""RGBA by label value."""

BINARY_COLOURS: tuple[Colour, ...] = (CLEAR, *map(_see_through, BOTH_LUNGS))
"""RGBA by label value where both lungs are compared as one."""

# Okabe and Ito's vermilion and sky blue, and their green, lighter to be visible on dark lung: they can be distinguished
# with any colour vision.
DIFFERENCE_COLOURS: tuple[Colour, ...] = (CLEAR, (60, 200, 140, 110), (213, 94, 0, 205), (86, 180, 233, 205))
"""RGBA of voxels in neither, in both (on the same side), in the prediction only, in the reference only."""


@dataclass(frozen=True, kw_only=True)
class SlicePicture:
    """One slice as PNG files of equal size, to be drawn over each other.

    Attributes:
        role: Why this slice was chosen.
        index: Of the slice, from 0 at the feet.
        z_mm: Height z of its centre in the patient (the same in LPS and RAS).
        dsc: DSC of both lungs together in this slice.
        side_dsc: DSC of each lung in this slice, by its name; empty if both lungs are compared as one.
        size_mm: (height, width) of the picture.
        image: The CT in the lung window, grey; None without a CT.
        reference, prediction: The lungs in colour, transparent elsewhere.
        differences: The differences, in `DIFFERENCE_COLOURS`.
    """

    role: Role
    index: int
    z_mm: float
    dsc: float
    side_dsc: dict[str, float]
    size_mm: tuple[float, float]
    image: bytes | None
    reference: bytes
    prediction: bytes
    differences: bytes


def picture_slices(comparison: Comparison, image: Volume | None, each: int) -> tuple[SlicePicture, ...]:
    """Draw the slices that `choose_slices` chooses, cropped to the lungs.

    Args:
        comparison: From `compare`.
        image: The CT in HU on any grid of the same patient, if there is one.
        each: Number of slices of each role.
    """
    union = comparison.prediction.array | comparison.reference.array
    grid = comparison.reference.geometry
    margin = round(MARGIN_MM / min(grid.spacing_mm[1:]))
    _, rows, columns = bounding_box(union, margin)
    rows, columns = slice(*rows.indices(grid.shape[1])), slice(*columns.indices(grid.shape[2]))
    image = image.canonical() if image is not None else None
    return tuple(
        _picture(comparison, image, role, index, rows, columns) for role, index in choose_slices(comparison, each)
    )


def encode_png(pixels: Plane, palette: Sequence[Colour] | None = None) -> bytes:
    """Return an 8-bit PNG file (ISO/IEC 15948).

    Args:
        pixels: (height, width) grey values, or indices into `palette`.
        palette: RGBA colours.
    """
    height, width = pixels.shape
    lines = np.empty((height, width + 1), np.uint8)
    # Filter 1 stores differences along a row, which makes grey pictures a third smaller and flat colours no smaller.
    lines[:, 0] = 0 if palette else 1
    lines[:, 1:] = pixels if palette else np.diff(pixels, axis=1, prepend=np.uint8(0))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3 if palette else 0, 0, 0, 0))]
    if palette:
        chunks.append((b"PLTE", bytes(value for colour in palette for value in colour[:3])))
        chunks.append((b"tRNS", bytes(colour[3] for colour in palette)))
    # Level 9 takes five times as long, for pictures that are 2 % smaller.
    chunks += [(b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def differences(prediction: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8]) -> Plane:
    """Return indices into `DIFFERENCE_COLOURS`; lung on the wrong side counts as false positive."""
    kinds = np.zeros(prediction.shape, np.uint8)
    kinds[(prediction == reference) & (reference > 0)] = 1
    kinds[(prediction != reference) & (prediction > 0)] = 2
    kinds[(prediction == 0) & (reference > 0)] = 3
    return kinds


def _picture(
    comparison: Comparison, image: Volume | None, role: Role, index: int, rows: slice, columns: slice
) -> SlicePicture:
    grid = comparison.reference.geometry
    reference, prediction = (
        volume.array[index, rows, columns] for volume in (comparison.reference, comparison.prediction)
    )
    height, width = reference.shape
    colours = LABEL_COLOURS if len(comparison.regions) > 1 else BINARY_COLOURS
    return SlicePicture(
        role=role,
        index=index,
        z_mm=comparison.slice_centre_lps(index)[2],
        dsc=comparison.whole.dsc_by_slice[index],
        side_dsc={region.name: region.dsc_by_slice[index] for region in comparison.regions[:-1]},
        size_mm=(height * grid.spacing_mm[1], width * grid.spacing_mm[2]),
        image=None if image is None else encode_png(_grey(image, grid, index, rows, columns)),
        reference=encode_png(reference, colours),
        prediction=encode_png(prediction, colours),
        differences=encode_png(differences(prediction, reference), DIFFERENCE_COLOURS),
    )


def _grey(image: Volume, grid: Geometry, index: int, rows: slice, columns: slice) -> Plane:
    """Return part of a slice of `grid`, with the image's values in the lung window."""
    if image.geometry.matches(grid):
        hu = image.array[index, rows, columns]
    else:
        affine = np.array(grid.affine_lps)
        affine[:3, 3] = grid.to_lps((index, rows.start, columns.start))
        place = Geometry((1, rows.stop - rows.start, columns.stop - columns.start), affine)
        hu = resample(image, place, "linear", AIR_HU).array[0]
    low, high = WINDOW_HU
    grey: Plane = np.rint((np.clip(hu, low, high) - low) * (255 / (high - low))).astype(np.uint8)
    return grey
