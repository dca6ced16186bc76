"""Which connected parts of a label map are lung, and whose: the decisions of postprocessing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

PART_SHARE = 0.05
"""A part of at least this share of its lung's largest part is lung: disease can cut a lung in pieces."""

LUNG_MIN_MM2 = 100.0
"""A lung's largest part has at least this mean cross-section; less is air elsewhere."""

SMALL_SHARE = 0.1
"""Below this share of the other lung, a lung's largest part may itself be a stray part of the other."""

CONTACT_SHARE = 0.25
"""A part with this share of its surface on the other lung belongs to that lung."""

FACE_GAP_SLICES = 2
FACE_DICE = 0.5
"""A part goes on across up to FACE_GAP_SLICES failed slices if the faces agree to this Dice coefficient."""

FACE_MIN_MM2 = 100.0
"""Smaller faces agree by chance."""


@dataclass(frozen=True, eq=False)
class _Side:
    """The connected parts of one lung, by number; 0 is the background.

    Attributes:
        label: RIGHT_LUNG or LEFT_LUNG.
        parts: (D, H, W) number of each voxel's part.
        sizes: Voxels of each part; 0 for the background.
        destination: The label that each part gets in the end, 0 while it is undecided, and for what goes.
    """

    label: int
    parts: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int64]
    destination: npt.NDArray[np.uint8]

    @property
    def undecided(self) -> Mask:
        """Which parts are still undecided."""
        return (self.destination == 0) & (self.sizes > 0)

    def kept_at(self, index: int | slice) -> Mask:
        """Voxels known to be this lung, in one slice or several."""
        is_kept: Mask = np.asarray(self.destination == self.label)
        return np.take(is_kept, self.parts[index])


def sort_parts(labels: Labels, spacing_mm: tuple[float, float, float]) -> tuple[Labels, list[int]]:
    """Decide for each connected part of each lung whether it stays, changes side or goes.

    Args:
        labels: (D, H, W); 1 right lung, 2 left.
        spacing_mm: (slice, row, column) distances.

    Returns:
        Labels of the same form, and the sizes in voxels of the parts that were removed.
    """
    right, left = (_find_parts(labels, label) for label in (RIGHT_LUNG, LEFT_LUNG))
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    pairs = ((right, left), (left, right))
    small = [side for side, other in pairs if side.sizes.max() < SMALL_SHARE * other.sizes.max()]
    for side in (right, left):
        if side not in small:
            _keep_large_parts(side, pixel_mm2)
    for side, other in pairs:
        _move_parts(side, other)
    for side in small:
        _keep_large_parts(side, pixel_mm2)
    for side in (right, left):
        _keep_parts_across_gaps(side, pixel_mm2)
    result = right.destination[right.parts] + left.destination[left.parts]
    removed = [int(size) for side in (right, left) for size in side.sizes[side.undecided]]
    return result, removed


def _find_parts(labels: Labels, label: int) -> _Side:
    parts, count = ndimage.label(labels == label, output=np.int32)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    return _Side(label, parts, sizes, np.zeros(count + 1, np.uint8))


def _keep_large_parts(side: _Side, pixel_mm2: float) -> None:
    """Keep the largest part, if it is as large as a lung can be, and what is not much smaller."""
    sizes = np.where(side.undecided, side.sizes, 0)
    largest = int(sizes.argmax())
    depth = np.count_nonzero((side.parts == largest).any(axis=(1, 2)))
    if sizes[largest] * pixel_mm2 >= LUNG_MIN_MM2 * depth:
        side.destination[(sizes > 0) & (sizes >= PART_SHARE * sizes[largest])] = side.label


def _move_parts(side: _Side, other: _Side) -> None:
    """Give undecided parts that lie against the other lung to it."""
    ids = np.flatnonzero(side.undecided)
    if not ids.size or not (other.destination == other.label).any():
        return
    padded = np.pad(side.parts, 1)
    parts, foreign = padded.ravel(), np.pad(other.kept_at(slice(None)), 1).ravel()
    voxels = np.flatnonzero(side.undecided[parts])
    surface, contact = np.zeros(side.sizes.size), np.zeros(side.sizes.size)
    for stride in (1, padded.shape[2], padded.shape[1] * padded.shape[2]):
        for neighbours in (voxels - stride, voxels + stride):
            outside = parts[neighbours] != parts[voxels]
            owners = parts[voxels[outside]]
            surface += np.bincount(owners, minlength=surface.size)
            contact += np.bincount(owners, foreign[neighbours[outside]], minlength=surface.size)
    side.destination[side.undecided & (contact >= CONTACT_SHARE * surface)] = other.label


def _keep_parts_across_gaps(side: _Side, pixel_mm2: float) -> None:
    """Keep parts that the network cut off by failing in a slice: the lung's outline goes on beyond the gap."""
    candidates = np.flatnonzero(side.undecided & (side.sizes * pixel_mm2 >= FACE_MIN_MM2))
    extents = ndimage.find_objects(side.parts) if candidates.size else []
    for part in sorted(candidates, key=lambda part: -side.sizes[part]):
        first, last = extents[part - 1][0].start, extents[part - 1][0].stop - 1
        for end, step in ((first, -1), (last, 1)):
            face = side.parts[end] == part
            if np.count_nonzero(face) * pixel_mm2 < FACE_MIN_MM2:
                continue
            beyond = [end + step * (gap + 1) for gap in range(1, FACE_GAP_SLICES + 1)]
            if any(_dice(face, side.kept_at(z)) >= FACE_DICE for z in beyond if 0 <= z < len(side.parts)):
                side.destination[part] = side.label


def _dice(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks, the first not empty."""
    common, both = int(np.count_nonzero(first & second)), int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    return 2 * common / both
