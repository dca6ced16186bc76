"""Makes polygons along the edges of a mask's pixels; a keyhole may join a hole to the outline around it.

Corners are (row, column) of pixel edges: pixel (r, c) lies between the corners (r, c) and (r + 1, c + 1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Mask

Corners = npt.NDArray[np.float64]

KEYHOLE_AT = 0.25
"""Where a keyhole runs within its row of pixels: not along their middles, at which readers decide what is inside."""

_STEPS = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
"""Right, down, left, up: each is the former's turn to the right."""


def outlines(mask: Mask, *, keyholes: bool = True) -> list[Corners]:
    """Return closed polygons around a mask, (n, 2) each, the last corner joined to the first.

    Pixels that touch at a corner only are apart. An outer polygon runs clockwise as seen with rows downwards.

    Args:
        mask: (row, column).
        keyholes: Whether holes are joined to their outlines by a channel without width; else each hole is a polygon of
            its own, which an odd number of others lies around.
    """
    if not mask.any():
        return []
    low = np.array([np.flatnonzero(mask.any(axis=axis))[0] for axis in (1, 0)])
    high = np.array([np.flatnonzero(mask.any(axis=axis))[-1] for axis in (1, 0)]) + 1
    mask = mask[low[0] : high[0], low[1] : high[1]]
    return [_straightened(loop) + low for loop in _polygons(mask, keyholes)]


def _polygons(mask: Mask, keyholes: bool) -> list[Corners]:
    loops = _loops(mask)
    if not keyholes:
        return loops
    outer = [loop for loop in loops if _area(loop) > 0]
    # From left to right: what lies to the left of a hole has been joined before.
    for hole in sorted((loop for loop in loops if _area(loop) < 0), key=lambda loop: float(loop[:, 1].min())):
        _join(outer, hole, mask)
    return outer


def _loops(mask: Mask) -> list[Corners]:
    """Closed loops of unit steps with the mask to their right: around parts clockwise, around holes the other way."""
    padded = np.pad(mask, 1)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    # Corner from which each kind of step starts: right along the upper edge of a pixel, down along its right edge, ...
    starts = (
        np.argwhere(~above & below),
        np.argwhere(left & ~right),
        np.argwhere(above & ~below) + np.array((0, 1)),
        np.argwhere(~left & right) + np.array((1, 0)),
    )
    ways: dict[tuple[int, int], list[int]] = {}
    for way, corners in enumerate(starts):
        for row, column in corners.tolist():
            ways.setdefault((row, column), []).append(way)
    loops = []
    while ways:
        corner = next(iter(ways))
        way = ways[corner][0]
        loop = []
        while corner in ways:
            here = ways[corner]
            # Where two parts touch at a corner, the turn to the right stays with its own part.
            way = next(each for each in ((way + 1) % 4, way, (way + 3) % 4) if each in here)
            here.remove(way)
            if not here:
                del ways[corner]
            loop.append(corner)
            corner = (corner[0] + int(_STEPS[way][0]), corner[1] + int(_STEPS[way][1]))
            if corner == loop[0]:
                break
        loops.append(np.array(loop, float))
    return loops


def _area(loop: Corners) -> float:
    """Enclosed pixels; negative for a loop around a hole."""
    row, column = loop.T
    return float(np.sum(column * np.roll(row, -1) - row * np.roll(column, -1)) / 2)


def _join(outer: list[Corners], hole: Corners, mask: Mask) -> None:
    """Join a hole to the loop on its left, changed in place, along the row of its leftmost edge."""
    column = int(hole[:, 1].min())
    following = np.roll(hole, -1, axis=0)
    (index,) = np.flatnonzero((hole[:, 1] == column) & (following[:, 1] == column))[:1]
    row = int(min(hole[index, 0], following[index, 0]))
    free = np.flatnonzero(~mask[row, :column])
    target = int(free[-1]) + 1 if free.size else 0
    at_hole, at_outer = np.array([(row + KEYHOLE_AT, column)]), np.array([(row + KEYHOLE_AT, target)])
    opened = np.concatenate([at_hole, hole[index + 1 :], hole[: index + 1], at_hole])
    for number, loop in enumerate(outer):
        place = _edge(loop, row, target)
        if place is not None:
            outer[number] = np.concatenate([loop[: place + 1], at_outer, opened, at_outer, loop[place + 1 :]])
            return
    raise AssertionError("a hole lies within an outline")


def _edge(loop: Corners, row: int, column: int) -> int | None:
    """Index of the corner at which a loop begins the vertical edge of a pixel row, or None."""
    following = np.roll(loop, -1, axis=0)
    upper = np.minimum(loop[:, 0], following[:, 0])
    is_edge = (loop[:, 1] == column) & (following[:, 1] == column) & (upper == row)
    is_edge &= np.abs(loop[:, 0] - following[:, 0]) == 1
    found = np.flatnonzero(is_edge)
    return int(found[0]) if found.size else None


def _straightened(loop: Corners) -> Corners:
    """Leave out the corners at which a loop goes straight on."""
    before, after = loop - np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0) - loop
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    goes_back = (before * after).sum(axis=1) < 0
    return np.asarray(loop[(turns != 0) | goes_back])
