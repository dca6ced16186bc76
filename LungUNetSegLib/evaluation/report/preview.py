"""Draws small pictures of a result: three planes with the lungs' outlines or aeration, and chosen slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.evaluation.report.grey import GREYS, grey_at, greys, nearest_at, pixel_places
from LungUNetSegLib.evaluation.report.lungs_page import AERATION
from LungUNetSegLib.evaluation.report.pictures import Colour, encode_png
from LungUNetSegLib.measures.density import AERATION_HU
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import AIR_HU, bounding_box
from LungUNetSegLib.volume.resample import align, is_oblique, resample
from LungUNetSegLib.volume.volume import Volume

HEIGHT = 240
"""Height of an axial plane in pixels; the others are as large beside it as the body is."""

TALLEST = 2 * HEIGHT

GAP = 4


def draw_preview(scan: Volume, labels: Volume, segments: Sequence[Segment]) -> bytes:
    """Return a PNG of the axial, coronal and sagittal planes with most lung, the lungs' outlines in their colours.

    Head, front and the patient's right are at the top and at the left of the picture, as radiologists look at it.
    """
    planes, pixel_mm = _planes(scan, labels)
    return encode_png(_beside([_panel(*each, pixel_mm) for each in planes]), _palette(segments))


def draw_aeration(scan: Volume, labels: Volume) -> bytes:
    """Return a PNG of the planes of `draw_preview` in which the lungs have the colours of their classes of aeration.

    Args:
        scan: HU.
        labels: On its grid, 0 where there is no lung.
    """
    planes, pixel_mm = _planes(scan, labels)
    panels = []
    for hu, mask, spacing_mm in planes:
        classes = np.where(mask > 0, 1 + np.searchsorted(AERATION_HU, hu, side="right"), 0).astype(np.uint8)
        panels.append(_panel(hu, classes, spacing_mm, pixel_mm, is_filled=True))
    return encode_png(_beside(panels), [*greys(), *((*colour, 255) for _, colour in AERATION.values())])


def draw_slices(scan: Volume, labels: Volume, segments: Sequence[Segment], numbers: Sequence[int]) -> bytes:
    """Return a PNG of some axial slices, at least one, side by side, with the lungs' outlines.

    Args:
        scan: HU.
        labels: On its grid.
        segments: What the labels mean.
        numbers: Of the slices, from 0 at the feet.
    """
    image = align(scan, AIR_HU)
    mask = resample(labels, image.geometry, "nearest") if is_oblique(labels.geometry) else labels.canonical()
    _, row_mm, column_mm = image.geometry.spacing_mm
    pixel_mm = image.array.shape[1] * row_mm / HEIGHT
    panels = [_panel(image.array[each], mask.array[each], (row_mm, column_mm), pixel_mm) for each in numbers]
    return encode_png(_beside(panels), _palette(segments))


def _planes(
    scan: Volume, labels: Volume
) -> tuple[list[tuple[npt.NDArray[np.int16], Labels, tuple[float, float]]], float]:
    """Return the planes with most lung, axial, coronal and sagittal: HU, labels, spacing; and the pictures' pixel."""
    image, mask = scan.canonical(), labels.canonical()
    slice_mm, row_mm, column_mm = image.geometry.spacing_mm
    at = [size // 2 for size in mask.array.shape]
    if mask.array.any():
        box = bounding_box(mask.array)
        lung = mask.array[box] > 0
        sizes = [lung.sum(axis=tuple(each for each in range(3) if each != axis)) for axis in range(3)]
        at = [edge.start + int(size.argmax()) for edge, size in zip(box, sizes, strict=True)]
    planes = [
        (image.array[at[0]], mask.array[at[0]], (row_mm, column_mm)),
        (image.array[::-1, at[1]], mask.array[::-1, at[1]], (slice_mm, column_mm)),
        (image.array[::-1, :, at[2]], mask.array[::-1, :, at[2]], (slice_mm, row_mm)),
    ]
    return planes, image.array.shape[1] * row_mm / HEIGHT


def _panel(
    hu: npt.NDArray[np.int16],
    labels: Labels,
    spacing_mm: tuple[float, float],
    pixel_mm: float,
    *,
    is_filled: bool = False,
) -> Labels:
    """A plane as indices into the palette, its pixels `pixel_mm` wide and high, with labels' outlines or areas."""
    size = [max(1, min(round(n * step / pixel_mm), TALLEST)) for n, step in zip(hu.shape, spacing_mm, strict=True)]
    places = pixel_places(hu.shape, size)
    panel, near = grey_at(hu, places), nearest_at(labels, places)
    for label in np.unique(near[near > 0]):
        inside = near == label
        panel[inside if is_filled else inside & ~ndimage.binary_erosion(inside)] = GREYS + label - 1
    return panel


def _beside(panels: Sequence[Labels]) -> Labels:
    """Panels in a row, with black around the lower ones."""
    height = max(len(panel) for panel in panels)
    row = np.zeros((height, sum(panel.shape[1] + GAP for panel in panels) - GAP), np.uint8)
    column = 0
    for panel in panels:
        top = (height - len(panel)) // 2
        row[top : top + len(panel), column : column + panel.shape[1]] = panel
        column += panel.shape[1] + GAP
    return row


def _palette(segments: Sequence[Segment]) -> list[Colour]:
    by_label = {each.label: each for each in segments}
    last = max(by_label, default=0)
    colours = [by_label[label].colour if label in by_label else (1.0, 1.0, 1.0) for label in range(1, last + 1)]
    return greys() + [(round(255 * red), round(255 * green), round(255 * blue), 255) for red, green, blue in colours]
