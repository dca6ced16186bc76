"""Brings masks drawn in planes, as DICOM stores them, onto a scan's slices: matched by height, gaps interpolated.

A CT with missing or uneven slices is interpolated onto an even grid. Masks of its original slices are brought onto the
same grid by shape-based interpolation, which is for masks what linear interpolation is for a CT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.stack import WIDEST_GAP_MM

NEAR_SHARE = 0.1
"""Share of the slice distance up to which a plane's offset is ignored, as the CT's reader does with slices."""

MATCH_SHARE = 0.25
"""Largest offset of a plane from the slice that it was drawn on, as a share of the slice distance."""

GAP_FACTOR = 1.5
"""Planes further apart than this many usual plane distances have a gap between them."""


@dataclass(frozen=True, eq=False)
class Planes:
    """One structure, plane by plane.

    Attributes:
        places: (n,) fractional slice index of each plane on the wanted grid, rising.
        masks: (n, rows, columns); an empty plane means that the structure is absent there.
        reach: How far the first and the last plane extend beyond themselves, in slices.
    """

    places: FloatArray
    masks: Mask
    reach: float = 0.5


def on_slices(planes: Planes, count: int) -> Mask:
    """Return a structure on `count` even slices: the plane at each slice, or the interpolation of two planes.

    Between a filled and an empty plane the nearer one is taken.
    """
    places, masks = planes.places, planes.masks
    result = np.zeros((count, *masks.shape[1:]), bool)
    if not len(places):
        return result
    filled: Mask = np.asarray(masks.any(axis=(1, 2)))
    for index in range(count):
        above = int(np.searchsorted(places, index))
        below = above - 1
        nearest = min(
            (each for each in (below, above) if 0 <= each < len(places)), key=lambda n: abs(places[n] - index)
        )
        if abs(places[nearest] - index) <= NEAR_SHARE:
            result[index] = masks[nearest]
        elif below < 0 or above == len(places):
            # Half open, so that planes half a slice off their slices fill as many slices as there are planes.
            if -planes.reach - 1e-6 <= places[nearest] - index < planes.reach - 1e-6:
                result[index] = masks[nearest]
        elif filled[below] and filled[above]:
            share = (index - places[below]) / (places[above] - places[below])
            result[index] = shape_between(masks[below], masks[above], share)
        else:
            result[index] = masks[nearest]
    return result


def shape_between(below: Mask, above: Mask, share: float) -> Mask:
    """Interpolate between two outlines: inside is where the weighted mean of their signed distances is inside.

    Source: Raya and Udupa, Shape-based interpolation of multidimensional objects, IEEE TMI 9 (1990) 32-42.

    Args:
        below: (rows, columns), not empty.
        above: Likewise.
        share: 0 at `below`, 1 at `above`.
    """
    either: Mask = below | above
    rows, columns = np.flatnonzero(either.any(axis=1)), np.flatnonzero(either.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    mean = (1 - share) * _inwards(below[box]) + share * _inwards(above[box])
    result = np.zeros_like(below)
    result[box] = mean > 0
    return result


def _inwards(mask: Mask) -> FloatArray:
    """Return the signed distance to the mask's edge in pixels, below 0 outside."""
    from scipy import ndimage  # takes 0.1 s to import, and most commands that read need none

    padded = np.pad(mask, 1)
    distance = ndimage.distance_transform_edt(padded) - ndimage.distance_transform_edt(~padded)
    inner: FloatArray = distance[1:-1, 1:-1]
    return inner


def distinct(places: FloatArray, tolerance: float) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return the distinct places, rising, and for each place the index of its distinct one."""
    order = np.argsort(places, kind="stable")
    group = np.empty(len(places), np.intp)
    group[order] = np.cumsum(np.diff(places[order], prepend=places[order[0]]) > tolerance)
    means = np.bincount(group, weights=places) / np.bincount(group)
    return means, group


def even_step(places: FloatArray, stated: float | None, share: float = NEAR_SHARE) -> float | None:
    """Return the distance of which all gaps between places are multiples, or None if there is none.

    Args:
        places: At least two, rising.
        stated: The distance that the file states; without it the smallest gap is tried.
        share: Largest difference of a gap from a multiple, as a share of the distance.
    """
    gaps = np.diff(places)
    for step in (stated, float(gaps.min())):
        if not step or step <= 0:
            continue
        # Gap by gap, so that rounding does not add up over many slices.
        times = np.rint(gaps / step)
        if times.min() >= 1 and np.abs(gaps / step - times).max() <= share:
            numbers = np.concatenate([[0.0], np.cumsum(times)])
            offsets = places - places[0]
            return float(offsets @ numbers / (numbers @ numbers))
    return None


def matched(places: FloatArray, slices: FloatArray) -> FloatArray | None:
    """Return the slice that each plane was drawn on, or None if a plane is too far from all slices."""
    nearest = slices[np.abs(places[:, None] - slices[None, :]).argmin(axis=1)]
    return nearest if np.abs(places - nearest).max() <= MATCH_SHARE * usual_step(slices) else None


def usual_step(places: FloatArray) -> float:
    """Return the median distance between neighbours, in slices; 1 of a single place."""
    return float(np.median(np.diff(places))) if len(places) > 1 else 1.0


def check_gaps(places: FloatArray, slice_mm: float, name: str) -> None:
    """Raise ReadError for a gap between filled planes that is too wide to be filled.

    Args:
        places: Of a structure's filled planes, rising, in slices.
        slice_mm: Distance of slices.
        name: Name of the structure, with its file, for the error message.
    """
    gap_mm = float(np.diff(places).max(initial=0.0)) * slice_mm
    if gap_mm > WIDEST_GAP_MM:
        raise ReadError(
            f"{name} has planes {gap_mm:.0f} mm apart with nothing between; more than {WIDEST_GAP_MM:g} mm are not"
            " filled. Draw the missing planes."
        )


def unfilled(places: FloatArray, slices: FloatArray) -> int:
    """Return how many of the scan's slices lie in gaps between planes, so that they are interpolated."""
    if len(places) < 2:
        return 0
    inside = slices[(slices > places[0]) & (slices < places[-1])]
    near = np.abs(inside[:, None] - places[None, :]).min(axis=1, initial=np.inf) if len(inside) else inside
    gaps = np.diff(places)
    wide = gaps > GAP_FACTOR * usual_step(slices)
    within = np.array([bool(wide[np.searchsorted(places, each) - 1]) for each in inside], bool)
    return int(np.count_nonzero(within & (near > 0.5))) if len(inside) else 0
