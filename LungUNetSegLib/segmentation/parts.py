"""Decides in postprocessing which connected parts of a label map are lung, and which side they belong to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Labels, Mask
from LungUNetSegLib.metrics import count
from LungUNetSegLib.segmentation.masks import Numbers, counted, looked_up, numbered_parts
from LungUNetSegLib.segmentation.probabilities import Probabilities, Slices
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import SliceBox, bounding_box_of_planes

PART_SHARE = 0.05
"""A part of at least this share of its lung's largest part is lung, as disease can divide a lung."""

DOUBTFUL_BELIEF = 0.9
DOUBTFUL_MAX_MM2 = 3000.0
"""A part with a lower mean probability is removed, if it has at most this mean cross-section: gas in the bowel and air
outside the body get lower probabilities than the smallest lung. Larger ones stay, as they may be an opaque lung."""

LUNG_MIN_MM2 = 25.0
"""A lung's largest part has at least this mean cross-section; smaller ones are noise."""

SMALL_SHARE = 0.5
"""Below this share of the other lung, a lung's largest part may itself be a part of the other lung."""

CONTACT_SHARE = 0.15
"""A part with this share of its surface on the other lung, and nearer to that lung's centre, belongs to it. Two lungs
touch with less than 0.02; parts of one lung of which a crop shows nothing else, 0.16 to 0.45."""

GAS_HU, GAS_BELOW_LUNG_HU = -920.0, 100.0
"""A part apart from its lung is gas if its lower quartile is lower than the first, and by the second lower than the
lung's. The quartile sees the gas within what partial volumes and streaks make of it."""

APART_MM = 10.0
"""Gas in the bowel reaches lower than its lung's largest part; air between arm and neck lies this far from it."""

GAS_SLICES = 16
"""Number of slices of a part by which its quartile is estimated."""

FACE_GAP_SLICES = 2
FACE_DICE = 0.5
"""A part continues across up to FACE_GAP_SLICES failed slices if the facing outlines have this Dice coefficient."""

FACE_MIN_MM2 = 100.0
"""Smaller faces agree by chance."""


@dataclass(frozen=True, eq=False)
class _Side:
    """The connected parts of one lung, by number; 0 is the background.

    Attributes:
        label: RIGHT_LUNG or LEFT_LUNG.
        place: Rows and columns of a box around the parts and their neighbours.
        parts: (D, h, w) number of each voxel's part, in this box.
        sizes: Voxels of each part; 0 for the background and for removed parts.
        boxes: The box around each part; a voxel for the background.
        destination: The final label of each part; 0 while it is undecided, and for removed parts.
    """

    label: int
    place: tuple[slice, slice]
    parts: Numbers
    sizes: npt.NDArray[np.int64]
    boxes: list[SliceBox]
    destination: npt.NDArray[np.uint8]

    @property
    def depths(self) -> npt.NDArray[np.int64]:
        """Number of slices of each part."""
        return np.array([box[0].stop - box[0].start for box in self.boxes])

    @property
    def undecided(self) -> Mask:
        """Which parts are still undecided."""
        undecided: Mask = (self.destination == 0) & (self.sizes > 0)
        return undecided

    def kept_at(self, index: int) -> Mask:
        """Return the pixels of a slice that are already decided to be this lung."""
        mask: Mask = (self.destination == self.label)[self.parts[index]]
        return mask


def sort_parts(
    labels: Labels, probabilities: Probabilities, hu: Slices, spacing_mm: tuple[float, float, float]
) -> list[int]:
    """Decide for each connected part of each lung whether it is kept, changes side or is removed, in place.

    Args:
        labels: (D, H, W), from feet to head; 1 right lung, 2 left.
        probabilities: (D, 2, H, W), 0 to 255, of both.
        hu: (D, H, W) the scan there.
        spacing_mm: (slice, row, column) distances.

    Returns:
        The sizes in voxels of the parts that were removed.
    """
    right, left = (_find_parts(labels, label) for label in (RIGHT_LUNG, LEFT_LUNG))
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    removed = [size for side in (right, left) for size in _drop_doubtful(side, probabilities, pixel_mm2)]
    pairs = ((right, left), (left, right))
    small = [side for side, other in pairs if side.sizes.max() < SMALL_SHARE * other.sizes.max()]
    # All parts of a small lung may be stray parts of the other one, so they are checked before they are kept.
    large = {side.label: _no_part(side) if side in small else _large_parts(side, pixel_mm2) for side in (right, left)}
    for side, other in pairs:
        _move_parts(side, other, large, labels.shape)
    for side in (right, left):
        side.destination[_large_parts(side, pixel_mm2) & side.undecided] = side.label
        _keep_parts_across_gaps(side, pixel_mm2)
        _drop_gas_apart(side, hu, spacing_mm)
    labels[:] = 0
    for side in (right, left):
        labels[(slice(None), *side.place)] += looked_up(side.destination, side.parts)
    return removed + [int(size) for side in (right, left) for size in side.sizes[side.undecided]]


def _find_parts(labels: Labels, label: int) -> _Side:
    _, rows, columns = bounding_box_of_planes((plane == label for plane in labels), margin=1)
    if not rows.stop:  # no such lung: a pixel of background does
        rows = columns = slice(0, 1)
    parts, number = numbered_parts(labels[:, rows, columns] == label)
    sizes = counted(parts, number + 1)
    sizes[0] = 0
    boxes = [(slice(0, 1),) * 3, *ndimage.find_objects(parts)]
    return _Side(label, (rows, columns), parts, sizes, boxes, np.zeros(number + 1, np.uint8))


def _drop_doubtful(side: _Side, probabilities: Probabilities, pixel_mm2: float) -> list[int]:
    """Remove small parts with a low probability of lung, right plus left; return their sizes."""
    believed = np.zeros(side.sizes.size)
    for numbers, (right, left) in zip(side.parts, probabilities[(..., *side.place)], strict=True):
        inside = np.flatnonzero(numbers)
        belief = right + np.minimum(left, 255 - right)
        believed += np.bincount(numbers.ravel()[inside], belief.ravel()[inside], side.sizes.size)
    doubtful = believed < DOUBTFUL_BELIEF * 255 * side.sizes
    doubtful &= side.sizes * pixel_mm2 <= DOUBTFUL_MAX_MM2 * side.depths
    sizes = [int(size) for size in side.sizes[doubtful]]
    side.sizes[doubtful] = 0
    return sizes


def _no_part(side: _Side) -> Mask:
    return np.zeros(side.sizes.size, bool)


def _large_parts(side: _Side, pixel_mm2: float) -> Mask:
    """Return the undecided part that is the largest, if large enough for a lung, and those of a similar size."""
    sizes = np.where(side.undecided, side.sizes, 0)
    largest = int(sizes.argmax())
    if not sizes[largest] or sizes[largest] * pixel_mm2 < LUNG_MIN_MM2 * side.depths[largest]:
        return _no_part(side)
    large: Mask = sizes >= PART_SHARE * sizes[largest]
    return large


def _move_parts(side: _Side, other: _Side, large: dict[int, Mask], shape: tuple[int, ...]) -> None:
    """Reassign parts that touch the other lung, on its side of the body, to that lung; never the largest part."""
    has_own = bool(large[side.label].any())
    moves = side.undecided
    if has_own:
        moves[side.sizes.argmax()] = False
    if not moves.any() or not large[other.label].any():
        return
    foreign = np.zeros(shape, bool)
    foreign[(slice(None), *other.place)] = looked_up(large[other.label], other.parts)
    beside = foreign[(slice(None), *side.place)]
    for part in np.flatnonzero(moves).tolist():
        moves[part] = _contact_share(side, part, beside) >= CONTACT_SHARE
    if has_own and moves.any():
        first, others = side.place[1].start, middle_column(foreign)
        own = first + middle_column(looked_up(large[side.label], side.parts))
        middles = first + _middle_columns(side.parts, moves)
        moves &= np.abs(middles - others) < np.abs(middles - own)
    side.destination[moves] = other.label


def middle_column(mask: Mask) -> float:
    """Return the mean column of a (D, H, W) mask that is not empty."""
    return float(np.average(np.arange(mask.shape[2]), weights=np.count_nonzero(mask, axis=(0, 1))))


def _middle_columns(parts: Numbers, wanted: Mask) -> npt.NDArray[np.float64]:
    """Return the mean column of each wanted part; 0 for the others."""
    chosen = looked_up(wanted, parts)
    numbers, columns = parts[chosen], np.nonzero(chosen)[2]
    sums = np.bincount(numbers, columns, minlength=wanted.size)
    middles: npt.NDArray[np.float64] = sums / np.maximum(np.bincount(numbers, minlength=wanted.size), 1)
    return middles


def _contact_share(side: _Side, part: int, foreign: Mask) -> float:
    """Return the share of a part's surface, in voxel faces, that lies on `foreign` voxels, (D, h, w) as its parts."""
    near = tuple(slice(max(0, each.start - 1), each.stop + 1) for each in side.boxes[part])
    touched = foreign[near]
    if not touched.any():  # as of most parts, of which a poor network leaves a thousand
        return 0.0
    inside, touched = np.pad(side.parts[near] == part, 1), np.pad(touched, 1)
    faces = contacts = 0
    for axis in range(3):
        ours, theirs = inside.swapaxes(0, axis), touched.swapaxes(0, axis)
        faces += int(np.count_nonzero(ours[1:] != ours[:-1]))
        contacts += int(np.count_nonzero(ours[1:] & theirs[:-1])) + int(np.count_nonzero(ours[:-1] & theirs[1:]))
    return contacts / faces


def _keep_parts_across_gaps(side: _Side, pixel_mm2: float) -> None:
    """Keep parts that are separated only by slices in which the network failed: the outline continues after the gap."""
    candidates = np.flatnonzero(side.undecided & (side.sizes * pixel_mm2 >= FACE_MIN_MM2))
    for part in sorted(candidates, key=lambda part: -side.sizes[part]):
        for end, step in ((side.boxes[part][0].start, -1), (side.boxes[part][0].stop - 1, 1)):
            face = side.parts[end] == part
            if np.count_nonzero(face) * pixel_mm2 < FACE_MIN_MM2:
                continue
            beyond = [end + step * (gap + 1) for gap in range(1, FACE_GAP_SLICES + 1)]
            if any(count(face, side.kept_at(z)).dsc >= FACE_DICE for z in beyond if 0 <= z < len(side.parts)):
                side.destination[part] = side.label


def _drop_gas_apart(side: _Side, hu: Slices, spacing_mm: tuple[float, float, float]) -> None:
    """Drop parts of gas that reach lower than the lung's largest part, or lie apart from it."""
    kept = np.where(side.destination == side.label, side.sizes, 0)
    lung = int(kept.argmax())
    others = [int(part) for part in np.flatnonzero(kept) if part != lung]
    if not others:
        return
    limit = min(GAS_HU, _lower_quartile(side, lung, hu) - GAS_BELOW_LUNG_HU)
    for part in others:
        is_gas = _lower_quartile(side, part, hu) <= limit
        is_lower = side.boxes[part][0].start < side.boxes[lung][0].start
        if is_gas and (is_lower or _distance_mm(side, part, lung, spacing_mm) > APART_MM):
            side.destination[part] = 0


def _lower_quartile(side: _Side, part: int, hu: Slices) -> float:
    """Return the lower quartile of a part's HU, from some of its slices if there are many."""
    slices = side.boxes[part][0]
    numbers = np.unique(np.linspace(slices.start, slices.stop - 1, GAS_SLICES).round().astype(np.int64))
    return float(np.percentile(np.concatenate([hu[int(z)][side.place][side.parts[z] == part] for z in numbers]), 25))


def _distance_mm(side: _Side, part: int, lung: int, spacing_mm: tuple[float, float, float]) -> float:
    """Return the distance of a part from another one; infinite beyond `APART_MM`."""
    steps = [math.ceil(APART_MM / step) for step in spacing_mm]
    box = side.boxes[part]
    near = tuple(slice(max(0, each.start - step), each.stop + step) for each, step in zip(box, steps, strict=True))
    numbers = side.parts[near]
    if not (numbers == lung).any():
        return math.inf
    distance = ndimage.distance_transform_edt(numbers != lung, sampling=spacing_mm)
    return float(distance[numbers == part].min())
