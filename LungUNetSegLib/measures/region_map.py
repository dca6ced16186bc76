"""Draws the regions of lungs as a label map, for viewers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LungUNetSegLib.measures.regions import DEPTHS, HALVES, SHAPE, THIRDS, divided, slabs
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import Volume

DIVISIONS = {
    "thirds-by-height": tuple(f"{third} third by height" for third in THIRDS),
    "thirds-by-volume": tuple(f"{third} third by volume" for third in THIRDS),
    "halves": tuple(f"{half} half" for half in HALVES),
    "depths": DEPTHS,
}
"""The ways to divide a lung, in the order of `regions.SHAPE`, and what their parts are called."""

DARKEST = 0.45
"""The first part's share of its lung's colour; the last part has the colour itself."""


def region_map(labels: Volume, segments: Sequence[Segment], division: str) -> tuple[Volume, tuple[Segment, ...]]:
    """Return one way to divide the lungs as a label map, and what its labels mean.

    Args:
        labels: uint8, the lungs.
        segments: What the labels mean.
        division: One of `DIVISIONS`.

    Returns:
        uint8 on the same grid: the parts of the first lung from 1 on, then those of the next; and a segment for each,
        with its lung's terminology and a shade of its colour.
    """
    axis, names = list(DIVISIONS).index(division), DIVISIONS[division]
    part_of_code = np.indices(SHAPE, np.uint8)[axis].ravel()
    drawn = Volume(np.zeros(labels.array.shape, np.uint8), labels.geometry)
    source, target = labels.canonical(), drawn.canonical().array
    parts: list[Segment] = []
    for segment in segments:
        first = len(parts) + 1
        parts += [_part(segment, first + index, name, index / (len(names) - 1)) for index, name in enumerate(names)]
        found = divided(source, segment.label)
        if found is None:
            continue
        box, regions = found
        lung, onto = source.array[box], target[box]
        for slab in slabs(lung):
            here = lung[slab] == segment.label
            onto[slab][here] = first + part_of_code[regions.codes(slab)[here]]
    return drawn, tuple(parts)


def _part(lung: Segment, label: int, name: str, share: float) -> Segment:
    shade = DARKEST + (1 - DARKEST) * share
    red, green, blue = (part * shade for part in lung.colour)
    words = "".join(word.capitalize() for word in name.split())
    return Segment(label, f"{lung.segment_id}{words}", f"{lung.name}, {name}", (red, green, blue), lung.terminology)
