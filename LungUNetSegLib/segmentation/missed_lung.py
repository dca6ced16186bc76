"""Adds plainly aerated lung that the network left out beside the lung that it found.

Where a scan begins within the lungs, or is cropped to one, the network may miss what no reader would: tens of
millilitres at -900 HU. Gas in airways, bowel and stomach looks alike, but walls keep it away from lung, while a missed
part of a lung has lung along much of its surface.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.segmentation.air_outside_body import SeenAir
from LungUNetSegLib.segmentation.masks import eroded, numbered_parts
from LungUNetSegLib.segmentation.probabilities import HALF, Probabilities, Slices, hard_labels
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import AIR_HU

AERATED_HU = (-960, -600)
"""Gas without lung has less."""

ABOVE_AIR_HU = 40
"""Gas whose mean is no more than this above the room's air is a pneumothorax; a scanner may measure air too high."""

ROOM_PIXELS = 500
"""Least pixels of room air in a slice that tell its HU."""

EDGE_MM = 3.0
"""Strips of twice this width do not count: lungs and airways have rims of partial volumes. Lung so near is touched."""

CONTACT_SHARE = 0.2
"""Least share of a part's surface that touches lung: missed lung had 0.27 and more, other gas at most 0.1."""

LEAST_ML = 2.0
"""Smaller parts are left alone."""


@dataclass(frozen=True, eq=False)
class _Piece:
    """The part of a missed region that lies in one slice.

    Attributes:
        number: Of the slice.
        place: Rows and columns of a box around it.
        mask: Where it is in this box.
        beside: Labels of the scanned pixels around it.
    """

    number: int
    place: tuple[slice, slice]
    mask: Mask
    beside: Labels


def add_missed_lung(
    probabilities: Probabilities,
    hu: Slices,
    spacing_mm: tuple[float, float, float],
    *,
    seen: SeenAir | None = None,
) -> int:
    """Set the probability of missed lung to 1, in place, for the lung that it touches most.

    Args:
        probabilities: (D, 2, h, w), 0 to 255; channel 0 right lung, 1 left.
        hu: (D, h, w) the slices; `AIR_HU` was not scanned.
        spacing_mm: (slice, row, column).
        seen: The air of these slices, to be shared with other steps.

    Returns:
        The number of voxels that were added.
    """
    seen = seen or SeenAir(hu)
    steps = max(1, round(EDGE_MM / spacing_mm[1]))
    pieces = [
        piece
        for number, probability_map in enumerate(probabilities)
        if probability_map.max() >= HALF
        for piece in _pieces(number, hard_labels(probability_map), seen, steps)
    ]
    least = LEAST_ML * 1000 / float(np.prod(spacing_mm))
    missed: list[tuple[_Piece, int]] = []
    for part in _joined(pieces, probabilities.shape):
        if sum(np.count_nonzero(piece.mask) for piece in part) >= least:
            touched = _touched(part, probabilities)
            right, left = touched[RIGHT_LUNG], touched[LEFT_LUNG]
            if right + left >= CONTACT_SHARE * touched.sum():
                missed += [(piece, int(left > right)) for piece in part]
    for piece, channel in missed:
        probability_map = probabilities[(piece.number, slice(None), *piece.place)]
        probability_map[:, piece.mask] = 0
        probability_map[channel, piece.mask] = 255
    return sum(int(np.count_nonzero(piece.mask)) for piece, _ in missed)


def _pieces(number: int, labels: Labels, seen: SeenAir, steps: int) -> Iterator[_Piece]:
    """Yield the regions of a slice that are aerated, wide enough, within the body, and not lung yet."""
    outside, inside = seen[number]
    inside &= labels == 0
    if not eroded(inside, steps).any():
        return
    hu = seen.hu[number]
    aerated = inside & (hu > AERATED_HU[0]) & (hu < AERATED_HU[1])
    core = eroded(aerated, steps)
    if not core.any():
        return
    scanned = hu > AIR_HU
    room = hu[outside & scanned]
    least_mean_hu = np.median(room) + ABOVE_AIR_HU if room.size >= ROOM_PIXELS else AERATED_HU[0]
    parts, _ = numbered_parts(ndimage.binary_dilation(core, iterations=steps, mask=aerated))
    for index, box in enumerate(ndimage.find_objects(parts), 1):
        rows, columns = (slice(max(0, each.start - steps), each.stop + steps) for each in box)
        place = rows, columns
        mask = parts[place] == index
        if hu[place][mask].mean() <= least_mean_hu:
            continue
        edge = ndimage.binary_dilation(mask, iterations=steps) & ~mask & scanned[place]
        yield _Piece(number, place, mask, labels[place][edge])


def _joined(pieces: list[_Piece], shape: tuple[int, ...]) -> list[list[_Piece]]:
    """Join pieces of neighbouring slices that overlap; return the pieces of each connected part."""
    if not pieces:
        return []
    first, last = pieces[0].number, pieces[-1].number
    ends = [max(each.place[axis].stop for each in pieces) for axis in (0, 1)]
    there = np.zeros((last - first + 1, *map(min, ends, shape[2:])), bool)
    for piece in pieces:
        there[piece.number - first][piece.place] |= piece.mask
    parts, count = numbered_parts(there)
    joined: list[list[_Piece]] = [[] for _ in range(count)]
    for piece in pieces:
        joined[int(parts[piece.number - first][piece.place][piece.mask][0]) - 1].append(piece)
    return joined


def _touched(part: list[_Piece], probabilities: Probabilities) -> npt.NDArray[np.int64]:
    """Count the pixels beside, above and below a part: those of no lung, of the right and of the left one."""
    touched = np.zeros(3, np.int64)
    own: dict[int, Mask] = {}
    for piece in part:
        own.setdefault(piece.number, np.zeros(probabilities.shape[2:], bool))[piece.place] |= piece.mask
    for piece in part:
        touched += np.bincount(piece.beside, minlength=3)
        for number in (piece.number - 1, piece.number + 1):
            if 0 <= number < len(probabilities):
                labels = hard_labels(probabilities[(number, slice(None), *piece.place)])
                beyond = piece.mask & ~own[number][piece.place] if number in own else piece.mask
                touched += np.bincount(labels[beyond], minlength=3)
    return touched
