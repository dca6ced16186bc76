"""Removes what the network called lung where there is no chest: air in a head, or between a head and its holder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.segmentation.air_outside_body import joined_to_the_border
from LungUNetSegLib.segmentation.probabilities import HALF, Probabilities, Slices
from LungUNetSegLib.volume import AIR_HU, BODY_HU

CHEST_SHARE = 0.06
"""Lungs fill at least this share of the body's cross-section in some slice, unless the scan cuts them off: 0.22 and
more in all our scans, also partial ones; a single lung fills half of that. Sinuses and throat fill less."""

LEAST_SECTION = 0.25
"""Slices with less than this share of the largest cross-section are not judged: the last of a head is all edge."""

DOUBTFUL_SHARE = 0.3
"""If lungs fill a smaller share, it is checked whether the body encloses them."""

PLAIN_AIR_HU = -985
"""It is also checked if the lung's median lies below this: room air has -1000, the most emphysematous lungs -960."""

AIR_SLICES = 16
"""Number of slices by which the lung's HU and the body's size are judged."""

WALL_PIXELS = 3
"""A chest wall is thicker than twice this many of the network's pixels; a head holder and a board are not."""

OUTSIDE_SHARE, ROOM_SHARE = 0.5, 0.25
"""Lung of which more than the first share lies outside the body is removed, if it is less than the second share of
the air there; where the field of view cuts into the chest, most of that air is lung."""

LIGHTEST_PERCENT, ABOVE_ROOM_HU = 10.0, 40.0
"""It is lung if its lightest tenth ends this much above the room's: in our scans that of lungs lies 67 HU and more
above it, that of what the network takes beside a head, mostly edges, 12 to 22. A lung that the scan's edge cuts touches
the room."""


def drop_without_chest(probabilities: Probabilities, planes: Slices) -> int:
    """Set probabilities to 0, in place, if no chest encloses the lung: air in a head, or between head and holder.

    Args:
        probabilities: (D, 2, h, w), 0 to 255, after cleaning.
        planes: (D, h, w) HU on the same grid.

    Returns:
        The number of pixels that are no longer lung.
    """
    areas = np.array(
        [
            np.count_nonzero((probability_map >= HALF).any(axis=0)) if probability_map.max() >= HALF else 0
            for probability_map in probabilities
        ]
    )
    if not areas.any():
        return 0
    share = _share_of_body(areas, planes)
    is_cut = bool(areas[0] or areas[-1])
    if share >= DOUBTFUL_SHARE and not _is_plain_air(probabilities, areas, planes):
        return 0
    if (share >= CHEST_SHARE or is_cut) and not _outside_the_body(probabilities, planes):
        return 0
    for number in np.flatnonzero(areas):
        probability_map = probabilities[number]
        probability_map[:, (probability_map >= HALF).any(axis=0)] = 0
    return int(areas.sum())


def _share_of_body(areas: npt.NDArray[np.int64], planes: Slices) -> float:
    """Return the largest share of the body's cross-section that lungs fill; any value from `DOUBTFUL_SHARE` on."""
    spaced = range(0, len(areas), 1 + len(areas) // AIR_SLICES)
    least = LEAST_SECTION * max(np.count_nonzero(planes[number] > BODY_HU) for number in spaced)
    share = 0.0
    for number in np.argsort(-areas):
        if not areas[number] or share >= DOUBTFUL_SHARE:
            break
        section = areas[number] + np.count_nonzero(planes[int(number)] > BODY_HU)
        if section >= least:
            share = max(share, float(areas[number] / section))
    return share


def _is_plain_air(probabilities: Probabilities, areas: npt.NDArray[np.int64], planes: Slices) -> bool:
    """Whether the lung holds nothing but air, from its largest slices."""
    largest = np.argsort(-areas)[:AIR_SLICES]
    hu = [planes[int(number)][(probabilities[number] >= HALF).any(axis=0)] for number in largest]
    return bool(np.median(np.concatenate(hu)) < PLAIN_AIR_HU)


def _outside_the_body(probabilities: Probabilities, planes: Slices) -> bool:
    """Whether most of the lungs lies in room air (ignoring thin walls), fills little of it, and is as light."""
    room: list[npt.NDArray[np.int16]] = []
    outside: list[npt.NDArray[np.int16]] = []
    count = 0
    for number, probability_map in enumerate(probabilities):
        plane = planes[number]
        thick = ndimage.binary_opening(plane > BODY_HU, iterations=WALL_PIXELS)
        around = joined_to_the_border(~thick)
        lung = (probability_map >= HALF).any(axis=0)
        room.append(plane[around & ~lung & (plane < BODY_HU) & (plane > AIR_HU)])
        outside.append(plane[around & lung])
        count += int(np.count_nonzero(lung))
    taken, left = (np.concatenate(each) for each in (outside, room))
    if len(taken) <= OUTSIDE_SHARE * count or len(taken) >= ROOM_SHARE * (len(taken) + len(left)):
        return False
    lightest, lightest_room = (np.percentile(each, LIGHTEST_PERCENT) for each in (taken, left))
    return bool(lightest < lightest_room + ABOVE_ROOM_HU)
