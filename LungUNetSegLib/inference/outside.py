"""Air around the body that the network took for lung: under boards and blankets, between arm and table.

It looks like a lung to the network, a dark area within an outline, but it is joined to the air around the patient,
from which the chest wall parts every lung. Looked at slice by slice on the network's grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.volume import AIR_HU

Probabilities = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

AIR_BELOW_HU = -500
"""Halfway from air to soft tissue."""

OUTSIDE_SHARE = 0.5
"""A part of a slice's lung with a larger share joined to the air around the body is outside."""

WITHIN_SHARE = 0.25
"""A lung has at least this much inside the chest of what it has outside, or the chest wall is not to be seen: a field
of view that cuts the lung joins it to what lies outside the scan."""

HALF = np.uint8(128)


def drop_air_outside(probabilities: Probabilities, hu: npt.NDArray[np.int16]) -> int:
    """Set to 0 in place what is air around the body.

    Args:
        probabilities: (N, 2, h, w), 0 to 255; channel 0 right lung, 1 left.
        hu: (N, h, w) the slices, of which `AIR_HU` is the lowest value and that of pixels that were not scanned.

    Returns:
        How many pixels were lung and no longer are.
    """
    dropped = 0
    for plane, said in zip(hu, probabilities, strict=True):
        lungs = said >= HALF
        if not lungs.any():
            continue
        outside = _joined_to_the_border(plane < AIR_BELOW_HU)
        if not (lungs & outside).any():
            continue
        air = lungs.any(axis=0) & _joined_to_the_border(plane <= AIR_HU)
        for lung in lungs:
            air |= _parts_outside(lung, outside)
        dropped += int(np.count_nonzero(lungs.any(axis=0) & air))
        said[:, air] = 0
    return dropped


def _joined_to_the_border(air: Mask) -> Mask:
    """The parts of (h, w) air that reach the slice's border."""
    regions, _ = ndimage.label(np.pad(air, 1, constant_values=True))
    joined: Mask = (regions == regions[0, 0])[1:-1, 1:-1]
    return joined


def _parts_outside(lung: Mask, outside: Mask) -> Mask:
    """The connected parts of one lung in a slice that lie outside the body, where another lies within."""
    parts, count = ndimage.label(lung)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    shares = np.bincount(parts.ravel(), outside.ravel(), minlength=count + 1) / np.maximum(sizes, 1)
    is_outside = shares > OUTSIDE_SHARE
    is_outside[0] = False
    within, without = sizes[1:][~is_outside[1:]].sum(), sizes[is_outside].sum()
    if within < WITHIN_SHARE * without:
        is_outside[:] = False
    result: Mask = is_outside[parts]
    return result
