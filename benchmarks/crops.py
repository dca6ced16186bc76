"""Partial views of whole-chest scans: what a scan shows when it is cropped to one lung, or begins or ends within them.

A crop is a box of the scan's own voxels, placed by the reference's lungs. What it costs is the DSC within the box of
the whole scan's segmentation, less that of the crop's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from LungUNetSegLib.volume import Geometry, Volume

Box = tuple[slice, slice, slice]
Crop = Callable[[Volume], Box]
"""Maps a canonical reference (axes head, back, left) to the box that is scanned."""

MARGIN_MM = 10.0


def cut(volume: Volume, box: Box) -> Volume:
    """Return the part of a canonical volume within a box of its voxels."""
    start = [each.start for each in box]
    array = np.ascontiguousarray(volume.array[box])
    affine = np.array(volume.geometry.affine_lps)
    affine[:3, 3] = volume.geometry.to_lps(start)
    shape = (array.shape[0], array.shape[1], array.shape[2])
    return Volume(array, Geometry(shape, affine))


def rectangle(label: int) -> Crop:
    """All slices of a rectangle around one lung."""

    def box(reference: Volume) -> Box:
        lung = (reference.array == label).any(axis=0)
        spans = []
        for axis in (1, 0):
            at = np.flatnonzero(lung.any(axis=axis))
            margin = round(MARGIN_MM / reference.geometry.spacing_mm[2 - axis])
            spans.append(slice(max(0, at[0] - margin), min(lung.shape[1 - axis], at[-1] + 1 + margin)))
        return slice(0, len(reference.array)), spans[0], spans[1]

    return box


def slices(low: float, high: float) -> Crop:
    """The whole width of the slices between two shares of the lungs' height; beyond 0 and 1 lie no lungs."""

    def box(reference: Volume) -> Box:
        depth, height, width = reference.array.shape
        at = np.flatnonzero((reference.array > 0).any(axis=(1, 2)))
        length = at[-1] + 1 - at[0]
        start, stop = (int(np.clip(round(at[0] + share * length), 0, depth)) for share in (low, high))
        return slice(start, max(stop, start + 2)), slice(0, height), slice(0, width)

    return box


CROPS: dict[str, Crop] = {
    "right lung in a rectangle": rectangle(1),
    "left lung in a rectangle": rectangle(2),
    "bases only": slices(-0.1, 0.25),
    "apex only": slices(0.75, 1.1),
    "lower half and abdomen": slices(-9.0, 0.5),
    "upper half and neck": slices(0.5, 9.0),
    "middle third": slices(0.33, 0.67),
}
