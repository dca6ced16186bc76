"""Removes air around the body that the network took for lung: under boards and blankets, between arm and table.

To the network it looks like a lung, a dark area within an outline, but it is connected to the air around the patient,
from which the chest wall separates every lung. This is checked slice by slice on the network's grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.segmentation.masks import numbered_parts
from LungUNetSegLib.segmentation.probabilities import HALF, Probabilities, Slices
from LungUNetSegLib.volume import AIR_HU

AIR_BELOW_HU = -500
"""Air and lung lie below: it is halfway from air to soft tissue."""

CUT_PIXELS, CUT_REACH = 3, 2
"""Air with at least this many lung pixels within CUT_REACH pixels of the unscanned area is a lung that the field of
view cuts off, not room air."""

CUT_SHARE = 0.1
"""But it is room air if a smaller share of it was taken for lung: the part mistaken for lung is far smaller than it."""

OUTSIDE_SHARE = 0.5
"""A connected part of a slice's lung with a larger share in room air is outside the body."""

WITHIN_SHARE = 0.25
"""A lung has at least this ratio of pixels inside the chest to pixels outside, unless the chest wall is open."""


SCAN_SHARE = 0.9
"""A connected part of a lung with a larger share in room air, over all its slices, is outside the body."""


@dataclass(frozen=True, eq=False)
class SeenAir:
    """Where slices show air; all steps of cleaning share it, as sampling a slice for each would take longer than they.

    ``seen[number]`` is (2, h, w): what is below `AIR_BELOW_HU` around the body, and inside it.

    Attributes:
        hu: (N, h, w) the slices.
    """

    hu: Slices
    _bits: dict[int, tuple[int, npt.NDArray[np.uint8]]] = field(default_factory=dict)

    def __getitem__(self, number: int) -> Mask:
        """Look at a slice, or remember what was seen: a bit for each pixel."""
        if number not in self._bits:
            air = self.hu[number] < AIR_BELOW_HU
            outside = joined_to_the_border(air)
            self._bits[number] = air.shape[1], np.packbits(np.stack((outside, air & ~outside)), axis=-1)
        width, bits = self._bits[number]
        return np.unpackbits(bits, axis=-1, count=width).view(bool)


def drop_air_outside(
    probabilities: Probabilities, hu: Slices, *, by_scan: bool = False, seen: SeenAir | None = None
) -> int:
    """Set the probabilities of air around the body to 0, in place.

    Args:
        probabilities: (N, 2, h, w), 0 to 255; channel 0 right lung, 1 left.
        hu: (N, h, w) the slices; `AIR_HU` is their lowest value and that of pixels that were not scanned.
        by_scan: Also remove parts in room air in slices without other lung, if other slices of the scan show lung.
        seen: The air of these slices, to be shared with other steps.

    Returns:
        The number of pixels that are no longer lung.
    """
    dropped, seen = 0, seen or SeenAir(hu)
    doubtful: dict[int, tuple[Mask, Mask]] = {}
    for index, probability_map in enumerate(probabilities):
        if probability_map.max() < HALF:
            continue
        lungs = probability_map >= HALF
        either = lungs.any(axis=0)
        outside, _ = seen[index]
        if not (either & outside).any():
            continue
        not_scanned = joined_to_the_border(hu[index] <= AIR_HU)
        air = either & not_scanned
        if len(lungs) == 2:  # with one channel for both, a lung cannot be distinguished from a part of one
            room = _uncut(outside & ~not_scanned, either, not_scanned)
            parts = [_parts_within(lung, room) for lung in lungs]
            air |= parts[0][0] | parts[1][0]
            if by_scan and (parts[0][1].any() or parts[1][1].any()):
                doubtful[index] = parts[0][1], parts[1][1]
        dropped += int(np.count_nonzero(air))
        probability_map[:, air] = 0
    for side in (0, 1) if doubtful else ():
        dropped += _drop_by_scan(probabilities[:, side], {index: masks[side] for index, masks in doubtful.items()})
    return dropped


def _drop_by_scan(lung: Probabilities, doubtful: dict[int, Mask]) -> int:
    """Set to 0 in place the parts of one lung, over all slices, that lie in room air; return their number of pixels."""
    parts, count = ndimage.label(lung >= HALF)
    sizes, outside = np.bincount(parts.ravel(), minlength=count + 1), np.zeros(count + 1, np.int64)
    for index, mask in doubtful.items():
        outside += np.bincount(parts[index][mask], minlength=count + 1)
    sizes[0] = 0
    is_outside = outside > SCAN_SHARE * sizes
    is_outside[0] = False
    if sizes[~is_outside].sum() < WITHIN_SHARE * sizes[is_outside].sum():
        return 0
    lung[is_outside[parts]] = 0
    return int(sizes[is_outside].sum())


def joined_to_the_border(air: Mask) -> Mask:
    """Return the connected parts of (h, w) air that reach the slice's border."""
    regions, _ = numbered_parts(np.pad(air, 1, constant_values=True))
    joined: Mask = (regions == regions[0, 0])[1:-1, 1:-1]
    return joined


def _uncut(air: Mask, lungs: Mask, not_scanned: Mask) -> Mask:
    """Return the connected parts of (h, w) air, without lungs that the field of view cuts off."""
    beyond = np.pad(not_scanned, 1, constant_values=True)
    near = ndimage.binary_dilation(beyond, iterations=CUT_REACH)[1:-1, 1:-1] & ~not_scanned
    # At the field of view's edge interpolated values look like air, and would connect a lung to the room air.
    parts, count = ndimage.label(air & ~near)
    grown = np.where(air & near, ndimage.grey_dilation(parts, 2 * CUT_REACH + 1), parts)
    contacts = np.bincount(grown[lungs & near], minlength=count + 1)
    taken = np.bincount(parts[lungs], minlength=count + 1)
    sizes = np.bincount(parts.ravel())
    # A part that is mostly lung counts as lung, also if the network's lung ends before the cut.
    is_room = (taken < CUT_SHARE * sizes) | ((contacts < CUT_PIXELS) & (taken < OUTSIDE_SHARE * sizes))
    is_room[0] = False
    result: Mask = is_room[grown]
    return result


def _parts_within(lung: Mask, room: Mask) -> tuple[Mask, Mask]:
    """Return one lung's parts in room air in a slice: with another part inside the body, and without one."""
    parts, count = ndimage.label(lung)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    is_outside = np.bincount(parts[room], minlength=count + 1) > OUTSIDE_SHARE * sizes
    is_outside[0] = False
    within, without = sizes[1:][~is_outside[1:]].sum(), sizes[is_outside].sum()
    result: Mask = is_outside[parts]
    nothing = np.zeros_like(result)
    return (nothing, result) if within < WITHIN_SHARE * without else (result, nothing)
