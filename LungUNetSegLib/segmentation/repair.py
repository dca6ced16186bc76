"""Repairs a mask from a few scribbles: fills a lung, moves a place to the other lung, or restores the network's labels.

A lung is filled by a watershed on the gradient of HU (Meyer 1994, doi:10.1016/0165-1684(94)90060-4; SimpleITK's from
markers), which floods from the scribbles and the lung on one side, and from what is surely no lung on the other: bone,
fat, air outside the lungs, the other lung, and what lies far from every scribble. Where the HU show no border, as
between a tumour and muscle, the floods meet midway.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.segmentation.network_mask import check_grid
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import SliceBox, Volume, bounding_box

REACH_MM = 20.0
"""What lies farther from every scribble is not changed."""

TRUSTED_MM = 4.0
"""Near a scribble nothing is taken for bone, fat or air: it may cross a vessel with contrast agent."""

STEP_MM = 1.5
"""Flooded are voxels of about this size: a fifth of the voxels of a scan."""

SMOOTH_MM = 2.0
"""Standard deviation of the Gaussian in the gradient."""

GREATEST_HU = 300.0
BONE_HU, FAT_HU, AIR_BELOW_HU = 200, (-150, -30), -400
"""Bone lies above, fat between, air below."""

_MINE, _NOT_MINE = 1, 2


def fill_lung(scan: Volume, labels: Volume, scribbles: Mask, lung: int) -> Volume:
    """Return labels in which a lung also holds the scribbles and what belongs to them, up to the chest wall.

    Args:
        scan: HU.
        labels: 1 right and 2 left lung (or 1 both), on its grid.
        scribbles: On the same grid; they may also lie in a lung.
        lung: The label to fill. The other lung's voxels stay.

    Raises:
        DataError: There is no scribble outside the lungs.
    """
    if not (scribbles & (labels.array == 0)).any():
        raise DataError("Mark what is missing first: no scribble lies outside the lungs.")
    place = _Place(scan, labels, scribbles)
    hu, marked = place.hu, place.scribbles
    mine = place.labels == lung
    to_scribble_mm = ndimage.distance_transform_edt(~marked, sampling=place.spacing_mm)
    is_trusted = to_scribble_mm < TRUSTED_MM
    # At the lung's edge voxels are part lung, part tissue, and measure like fat.
    at_edge = ndimage.distance_transform_edt(~mine, sampling=place.spacing_mm) < TRUSTED_MM
    bone = ndimage.binary_opening(hu > BONE_HU)
    fat = ndimage.binary_opening((hu > FAT_HU[0]) & (hu < FAT_HU[1])) & ~at_edge
    other = (place.labels > 0) & ~mine
    # Who scribbles into aerated lung that is missing wants air; who marks a tumour does not want the trachea beside it.
    is_air = (hu < AIR_BELOW_HU) & bool(np.median(hu[marked & (place.labels == 0)]) >= AIR_BELOW_HU)
    surely_not = ((bone | fat | is_air) & ~is_trusted) | other | (to_scribble_mm > REACH_MM)
    flooded = _flood(place, mine | marked, surely_not)
    filled = ndimage.binary_opening(flooded | mine) | (marked & ~other)
    return place.changed(_touched(filled & ~mine, marked), 0, lung)


def move_to_other_lung(scan: Volume, labels: Volume, scribbles: Mask) -> Volume:
    """Return labels in which the place of the scribbles belongs to the other lung.

    A part of a lung without connection to its largest one moves as a whole; else the border is sought in the HU.

    Raises:
        DataError: There is no scribble in a lung.
    """
    counts = np.bincount(labels.array[scribbles], minlength=3)
    if not counts[1:].any():
        raise DataError("Mark the place first: no scribble lies in a lung.")
    wrong = RIGHT_LUNG if counts[RIGHT_LUNG] >= counts[LEFT_LUNG] else LEFT_LUNG
    right = RIGHT_LUNG + LEFT_LUNG - wrong
    box = bounding_box(labels.array == wrong)
    parts, _ = ndimage.label(labels.array[box] == wrong)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    meant = np.unique(parts[scribbles[box] & (parts > 0)])
    loose = meant[meant != sizes.argmax()]
    result = labels.array.copy()
    result[box][np.isin(parts, loose)] = right
    if len(loose) < len(meant):
        place = _Place(scan, Volume(result, labels.geometry), scribbles)
        mine, marked = place.labels == right, place.scribbles & (place.labels == wrong)
        is_far = ndimage.distance_transform_edt(~marked, sampling=place.spacing_mm) > REACH_MM
        flooded = _flood(place, mine | marked, (place.labels == 0) | (is_far & ~mine))
        return place.changed(_touched((flooded | marked) & (place.labels == wrong), marked), wrong, right)
    return Volume(result, labels.geometry)


def restore_network(labels: Volume, original: Volume, scribbles: Mask) -> Volume:
    """Return labels in which each change that a scribble touches is undone.

    Args:
        labels: As they are now.
        original: The network's, on the same grid.
        scribbles: On the same grid.

    Raises:
        DataError: No scribble touches a change.
        GeometryError: They lie on different grids.
    """
    check_grid(original, labels)
    differ = labels.array != original.array
    box = bounding_box(differ, margin=1)
    parts, _ = ndimage.label(differ[box])
    meant = np.unique(parts[ndimage.binary_dilation(scribbles[box])]) if parts.size else np.zeros(0, int)
    meant = meant[meant > 0]
    if not meant.size:
        raise DataError("Nothing is to be restored: the mask is the network's own where the scribbles lie.")
    result = labels.array.copy()
    undone = np.isin(parts, meant)
    result[box][undone] = original.array[box][undone]
    return Volume(result, labels.geometry)


class _Place:
    """The surroundings of some scribbles, with every n-th voxel of a scan."""

    def __init__(self, scan: Volume, labels: Volume, scribbles: Mask) -> None:
        spacing_mm = labels.geometry.spacing_mm
        self._whole = labels
        self._steps = tuple(max(1, int(STEP_MM / each)) for each in spacing_mm)
        self.spacing_mm = tuple(each * step for each, step in zip(spacing_mm, self._steps, strict=True))
        around = (
            slice(max(0, axis.start - int(1.5 * REACH_MM / each)), axis.stop + int(1.5 * REACH_MM / each))
            for axis, each in zip(bounding_box(scribbles), spacing_mm, strict=True)
        )
        first, second, third = around
        self._box: SliceBox = first, second, third
        thin = tuple(slice(axis.start, axis.stop, step) for axis, step in zip(self._box, self._steps, strict=True))
        self.hu = scan.array[thin].astype(np.float32)
        self.labels: Labels = labels.array[thin]
        self.scribbles: Mask = _any_of_blocks(scribbles[self._box], self._steps)

    def changed(self, where: Mask, before: int, after: int) -> Volume:
        """Return the whole labels in which a place of `before` became `after`."""
        result = self._whole.array.copy()
        part = result[self._box]
        for axis, step in enumerate(self._steps):
            where = where.repeat(step, axis)
        where = where[tuple(slice(size) for size in part.shape)]
        part[where & (part == before)] = after
        return Volume(result, self._whole.geometry)


def _flood(place: _Place, mine: Mask, not_mine: Mask) -> Mask:
    """Return what the flood from `mine` reaches before that from `not_mine`; where both begin, it is mine."""
    image = sitk.GetImageFromArray(np.clip(place.hu, -GREATEST_HU, GREATEST_HU))
    image.SetSpacing(place.spacing_mm[::-1])
    heights = sitk.GradientMagnitudeRecursiveGaussian(image, SMOOTH_MM)
    markers = sitk.GetImageFromArray(np.where(mine, _MINE, np.where(not_mine, _NOT_MINE, 0)).astype(np.uint8))
    markers.SetSpacing(place.spacing_mm[::-1])
    flooded = sitk.MorphologicalWatershedFromMarkers(heights, markers, markWatershedLine=False)
    reached: Mask = sitk.GetArrayFromImage(flooded) == _MINE
    return reached


def _touched(mask: Mask, scribbles: Mask) -> Mask:
    """Return the connected parts of a mask that hold a scribble."""
    parts, _ = ndimage.label(mask)
    meant = np.unique(parts[scribbles & mask])
    touched: Mask = np.isin(parts, meant[meant > 0])
    return touched


def _any_of_blocks(mask: Mask, steps: tuple[int, ...]) -> Mask:
    """Return for each block of voxels whether any is true; blocks at the far ends may be smaller."""
    for axis, step in enumerate(steps):
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], step), axis)
    return mask
