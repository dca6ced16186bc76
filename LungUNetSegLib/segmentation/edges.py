"""Moves the lungs' edges to where the scan's own HU show them.

The network's pixels have 1.5 mm, so that its edges lie a pixel or two of the scan beside the true ones. Between aerated
lung (about -850 HU) and the tissue around it (about 50 HU) the edge lies halfway: pixels that hold as much of one as of
the other have -400 HU. Where lung is solid, HU show no edge, and that of the network stays (ADR 0025).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Float32, Labels, Mask
from LungUNetSegLib.segmentation.probabilities import hard_labels
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

EDGE_HU = -400
"""Halfway between aerated lung and soft tissue; also where the reviewed masks end."""

REACH_MM = 1.5
"""An edge moves so far at most, a pixel of the network."""

AERATED_HU = -500
"""Lung below is aerated for certain, with some noise as well."""

AERATED_MM = 8.0
"""Only lung with aerated lung so near has an edge that HU show; a consolidated part, or a hazy lung, has none."""

GAS_HU = -900
"""Gas beside the lung (a pneumothorax, bowel) is below, and stays outside."""

_HALF = 255 / 2

_BOTH = RIGHT_LUNG | LEFT_LUNG
"""As bits."""


def as_found(values: Float32, _: npt.NDArray[np.int16]) -> Labels:
    """Return (n, H, W) labels with the network's own edges of (n, 2, H, W) probabilities, 0 to 255."""
    return hard_labels(values, _HALF)


def by_hu(values: Float32, hu: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> Labels:
    """Return (n, H, W) labels with edges placed by the (n, H, W) HU; see `as_found` and `place_edges`."""
    labels = hard_labels(values, _HALF)
    place_edges(labels, hu, pixel_mm)
    return labels


def place_edges(labels: Labels, hu: npt.NDArray[np.int16], pixel_mm: tuple[float, float]) -> None:
    """Take soft pixels off the lungs' edges and add aerated ones to them, in place, slice by slice.

    Pixels are taken off and added layer by layer from the edge, up to `REACH_MM`. What touches both lungs becomes
    right lung.

    Args:
        labels: (n, H, W) axial slices; 1 right lung, 2 left.
        hu: (n, H, W).
        pixel_mm: (row, column). Along an axis with pixels over twice `REACH_MM` nothing moves.
    """
    layers, near = _axes_of_layers(pixel_mm), [round(AERATED_MM / each) for each in pixel_mm]
    for label_plane, hu_plane in zip(labels, hu, strict=True):
        if label_plane.any():
            _place(label_plane, hu_plane, layers, near)


def _place(labels: Labels, hu: npt.NDArray[np.int16], layers: list[list[int]], near: list[int]) -> None:
    """Place the edges in a (H, W) slice: its arrays stay in the processor's caches."""
    lung, light = labels > 0, hu < EDGE_HU
    firm = _widened(lung & (hu < AERATED_HU), near)
    firm ^= True
    firm |= light
    for axes in layers:
        lung &= _inner(lung, axes) | firm
    labels *= lung
    free = (light & (hu > GAS_HU) & ~lung).view(np.uint8)
    free *= _BOTH
    for axes in layers:
        beside = _spread(labels, axes)
        beside &= free
        beside &= ~((beside & RIGHT_LUNG) << 1)
        free *= beside == 0
        labels |= beside


def _axes_of_layers(pixel_mm: tuple[float, float]) -> list[list[int]]:
    """Return for each layer of pixels the axes (0 rows, 1 columns) along which it is within reach."""
    counts = [0 if each > 2 * REACH_MM else max(1, round(REACH_MM / each)) for each in pixel_mm]
    return [[axis for axis, count in enumerate(counts) if count > layer] for layer in range(max(counts))]


def _inner(mask: Mask, axes: Sequence[int]) -> Mask:
    """Return the pixels whose neighbours along these axes all belong to the mask; beyond the image all do."""
    result = mask.copy()
    for axis in axes:
        source, target = mask.swapaxes(0, axis), result.swapaxes(0, axis)
        target[1:] &= source[:-1]
        target[:-1] &= source[1:]
    return result


def _spread(labels: Labels, axes: Sequence[int]) -> Labels:
    """Return the bits of each pixel's label and of its neighbours' along these axes: 3 where both lungs are near."""
    result = labels.copy()
    for axis in axes:
        source, target = labels.swapaxes(0, axis), result.swapaxes(0, axis)
        target[1:] |= source[:-1]
        target[:-1] |= source[1:]
    return result


def _widened(mask: Mask, steps: Sequence[int]) -> Mask:
    """Return the pixels with one of the mask within so many rows and columns.

    Windows double until they are wide enough: a fifth of the time of SciPy's filter.
    """
    for axis, each in enumerate(steps):
        window = np.pad(mask, [(each, each) if axis == padded else (0, 0) for padded in range(2)]).swapaxes(0, axis)
        width = 1
        while width < 2 * each + 1:
            step = min(width, 2 * each + 1 - width)
            window = window[step:] | window[:-step]
            width += step
        mask = window.swapaxes(0, axis)
    return mask
