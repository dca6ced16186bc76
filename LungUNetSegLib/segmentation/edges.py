"""Moves the lungs' edges to where the scan's own HU show them.

The network's pixels have 1.5 mm, so that its edges lie a pixel or two of the scan beside the true ones. Between aerated
lung (about -850 HU) and the tissue around it (about 50 HU) the edge lies halfway: pixels that hold as much of one as of
the other have -400 HU. Where lung is solid, HU show no edge, and that of the network stays (ADR 0025).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.preprocessing import nearest_step
from LungUNetSegLib.segmentation.masks import with_neighbours
from LungUNetSegLib.segmentation.open_parts import add_open_parts
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import bounding_box

EDGE_HU = -400
"""Halfway between aerated lung and soft tissue; also where the reviewed masks end."""

REACH_MM = 1.5
"""An edge moves so far at most, a pixel of the network."""

AERATED_HU = -500
"""Lung below is aerated for certain, with some noise as well."""

AERATED_MM = 8.0
"""Only lung with aerated lung so near has an edge that HU show; a consolidated part, or a hazy lung, has none."""

VESSEL_MM = 4.0
"""Notches in a lung's edge that are no wider were made by its vessels, and are filled again."""

GAS_HU = -900
"""Gas beside the lung (a pneumothorax, bowel) is below, and stays outside."""

MARGIN_MM = 15.0
"""What lies further from a slice's lungs does not matter to them."""

_BOTH = RIGHT_LUNG | LEFT_LUNG
"""As bits."""


def place_edges(labels: Labels, hu: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> None:
    """Take soft pixels off the lungs' edges and add aerated ones to them, in place, slice by slice.

    Pixels are taken off and added layer by layer from the edge, up to `REACH_MM`, then whole parts that open to lung
    (`open_parts`). Vessels of the lung stay in it, and so do single pixels of noise. What touches both lungs becomes
    right lung.

    Args:
        labels: (n, H, W) slices, of an oblique scan those nearest to axial ones; 1 right lung, 2 left.
        hu: (n, H, W).
        pixel_mm: (row, column). Along an axis with pixels over twice `REACH_MM` nothing moves.
    """
    layers, margin = _axes_of_layers(pixel_mm), nearest_step(MARGIN_MM, min(pixel_mm))
    for label_plane, hu_plane in zip(labels, hu, strict=True):  # so small arrays stay in the processor's caches
        box = bounding_box(label_plane[np.newaxis], margin)[1:]
        lungs, lungs_hu = label_plane[box].copy(), hu_plane[box].copy()
        if lungs.size:
            _take_off_tissue(lungs, lungs_hu, layers, pixel_mm)
            _add_aerated(lungs, lungs_hu, layers)
            add_open_parts(lungs, lungs_hu, pixel_mm)
            _fill_single_pixels(lungs)
            label_plane[box] = lungs


def _take_off_tissue(
    labels: Labels, hu: npt.NDArray[np.int16], layers: list[list[int]], pixel_mm: tuple[float, float]
) -> None:
    """Take pixels that are no lung off the edges in a (H, W) slice, in place."""
    lung, near = labels > 0, [nearest_step(AERATED_MM, each) for each in pixel_mm]
    stays = _widened(lung & (hu < AERATED_HU), near)
    stays ^= True
    stays |= hu < EDGE_HU
    inner = lung
    for axes in layers:
        inner = inner & (with_neighbours(inner, axes, np.bitwise_and) | stays)
    inner |= lung & _closed(inner, [nearest_step(VESSEL_MM / 2, each) for each in pixel_mm])
    labels *= inner


def _add_aerated(labels: Labels, hu: npt.NDArray[np.int16], layers: list[list[int]]) -> None:
    """Add the aerated pixels beside the lungs of a (H, W) slice to them, in place."""
    free = ((labels == 0) & (hu < EDGE_HU) & (hu > GAS_HU)).view(np.uint8)
    free *= _BOTH
    for axes in layers:
        beside = with_neighbours(labels, axes, np.bitwise_or)  # 3 where both lungs are near
        beside &= free
        beside &= ~((beside & RIGHT_LUNG) << 1)
        free *= beside == 0
        labels |= beside


def _fill_single_pixels(labels: Labels) -> None:
    """Add pixels with one lung on all four sides in a (H, W) slice to it, in place: noise leaves such holes."""
    inner = labels[1:-1, 1:-1]
    enclosed = labels[:-2, 1:-1] & labels[2:, 1:-1] & labels[1:-1, :-2] & labels[1:-1, 2:]
    enclosed *= inner == 0
    inner |= enclosed


def _axes_of_layers(pixel_mm: tuple[float, float]) -> list[list[int]]:
    """Return for each layer of pixels the axes (0 rows, 1 columns) along which it is within reach."""
    counts = [nearest_step(REACH_MM, each) for each in pixel_mm]
    return [[axis for axis, count in enumerate(counts) if count > layer] for layer in range(max(counts))]


def _widened(mask: Mask, steps: Sequence[int]) -> Mask:
    """Return the pixels with one of the mask within so many rows and columns."""
    return _any_of_window(_padded(mask, steps), steps)


def _closed(mask: Mask, steps: Sequence[int]) -> Mask:
    """Return the mask with notches and holes filled that are at most twice so many pixels wide."""
    wide = _any_of_window(_padded(mask, [2 * each for each in steps]), steps)
    return ~_any_of_window(~wide, steps)


def _padded(mask: Mask, steps: Sequence[int]) -> Mask:
    """Return the mask with so many rows and columns of nothing around it; NumPy's own takes ten times as long."""
    result = np.zeros([size + 2 * each for size, each in zip(mask.shape, steps, strict=True)], bool)
    result[tuple(slice(each, each + size) for size, each in zip(mask.shape, steps, strict=True))] = mask
    return result


def _any_of_window(mask: Mask, steps: Sequence[int]) -> Mask:
    """Return for each pixel so many rows and columns from the image's edge whether any as near belongs to the mask.

    Windows double until they are wide enough: a fifth of the time of SciPy's filter.
    """
    for axis, each in enumerate(steps):
        window, width = mask.swapaxes(0, axis), 1
        while width < 2 * each + 1:
            step = min(width, 2 * each + 1 - width)
            window = window[step:] | window[:-step]
            width += step
        mask = window.swapaxes(0, axis)
    return mask
