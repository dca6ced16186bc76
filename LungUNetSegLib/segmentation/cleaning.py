"""Cleans the network's output: removes what is not lung, adds aerated lung, corrects sides, fills holes.

All steps run in one pass on the network's grid, on probabilities scaled to 0..255, before the result is resampled to
the scan's own resolution. The sides are processed separately, so that touching lungs stay separate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.preprocessing.sampled import SampledSlices
from LungUNetSegLib.segmentation.air_outside_body import SeenAir, drop_air_outside
from LungUNetSegLib.segmentation.below_air import drop_solid_below_air
from LungUNetSegLib.segmentation.fluid import drop_fluid
from LungUNetSegLib.segmentation.hanging_tissue import drop_hanging_tissue
from LungUNetSegLib.segmentation.lone_lung import is_called_the_other
from LungUNetSegLib.segmentation.masks import looked_up, numbered_parts
from LungUNetSegLib.segmentation.missed_lung import add_missed_lung
from LungUNetSegLib.segmentation.parts import middle_column, sort_parts
from LungUNetSegLib.segmentation.probabilities import Probabilities, Slices, hard_labels, labels_of, lung_box
from LungUNetSegLib.segmentation.thin_plates import drop_thin_plates
from LungUNetSegLib.segmentation.without_chest import drop_without_chest
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import bounding_box_of_planes

SWAP_MM = 20.0
"""Right and left lung this far on each other's side are swapped."""

LONE_HOLE_MM2 = 500.0
"""Largest hole that is filled without slices above and below that show whether the lung closes over it."""

LUNGS_LEAST_ML = 30.0
"""Smaller lungs that end within the scan are air in a head, a neck or a limb; a newborn's have three times as much."""

OTHER_SIDE = np.array([0, LEFT_LUNG, RIGHT_LUNG], np.uint8)
"""The label of the other lung, by a lung's label."""


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """The changes that cleaning made.

    Attributes:
        removed_ml: Volume of each removed part, the largest first.
        moved_ml: Volume that changed side.
        filled_ml: Volume of the closed holes.
        sides_swapped: Whether right and left were swapped as a whole.
        outside_ml: Volume removed because it is air around the body, or because no chest encloses it.
        fluid_ml: Volume removed because it is fluid.
        added_ml: Volume of aerated lung that the network had left out.
    """

    removed_ml: tuple[float, ...] = field(default=())
    moved_ml: float = 0.0
    filled_ml: float = 0.0
    sides_swapped: bool = False
    outside_ml: float = 0.0
    fluid_ml: float = 0.0
    added_ml: float = 0.0


def clean(
    probabilities: Probabilities, hu: Slices, spacing_mm: tuple[float, float, float], *, saw_scan: bool = False
) -> Cleaning:
    """Clean the network's output for a whole scan, in place.

    Args:
        probabilities: (D, 2, h, w) on the network's grid, 0 to 255; axes run to the head, the back and the left.
        hu: (D, h, w) the slices that the network saw.
        spacing_mm: (slice, row, column) of that grid.
        saw_scan: Whether the network saw the whole scan; air outside the body is then decided over the whole scan.

    Returns:
        The changes.
    """
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    outside_ml, fluid_ml, added_ml = (
        voxels * voxel_ml for voxels in _clean_by_hu(probabilities, hu, spacing_mm, saw_scan)
    )
    box = lung_box(probabilities)
    if box[0].stop == box[0].start:
        return Cleaning(outside_ml=outside_ml, fluid_ml=fluid_ml)
    region = probabilities[box[0], :, box[1], box[2]]
    labels = labels_of(region)
    swapped = _sides_swapped(labels, spacing_mm[2])
    if swapped:
        labels = OTHER_SIDE[labels]
    part_hu = _Part(hu, box)
    removed = sort_parts(labels, region, part_hu, spacing_mm)
    ends = box[0].start == 0, box[0].stop == len(probabilities)
    removed += drop_thin_plates(labels, part_hu, spacing_mm, is_cut=ends)
    removed += drop_solid_below_air(labels, part_hu, spacing_mm)
    removed += drop_hanging_tissue(labels, part_hu, spacing_mm)
    removed += _drop_smaller_than_lungs(labels, voxel_ml, ends)
    has_sides = bool(region[:, 1].any())  # else the network has one channel for both lungs
    if has_sides and is_called_the_other(labels, hu, box, spacing_mm):
        labels = OTHER_SIDE[labels]
    moved = sum(
        int(np.count_nonzero((new != old) & (new > 0)))
        for old, new in zip(_labels_before(region, swapped), labels, strict=True)
    )
    filled = sum(_fill_holes(labels, side, spacing_mm[1] * spacing_mm[2]) for side in (RIGHT_LUNG, LEFT_LUNG))
    _apply(region, labels, swapped)
    outside_ml += drop_without_chest(probabilities, hu) * voxel_ml
    return Cleaning(
        removed_ml=tuple(sorted((size * voxel_ml for size in removed), reverse=True)),
        moved_ml=moved * voxel_ml,
        filled_ml=filled * voxel_ml,
        sides_swapped=swapped,
        outside_ml=outside_ml,
        fluid_ml=fluid_ml,
        added_ml=added_ml,
    )


def _clean_by_hu(
    probabilities: Probabilities, hu: Slices, spacing_mm: tuple[float, float, float], saw_scan: bool
) -> tuple[int, int, int]:
    """Remove air around the body and fluid, and add missed lung, in place; return the voxels of each."""
    seen = SeenAir(hu)
    outside = drop_air_outside(probabilities, hu, by_scan=saw_scan, seen=seen)
    fluid = drop_fluid(probabilities, hu, spacing_mm)
    added = add_missed_lung(probabilities, hu, spacing_mm, seen=seen)
    if isinstance(hu, SampledSlices):
        hu.forget()  # the next steps need the memory
    return outside, fluid, added


@dataclass(frozen=True, eq=False)
class _Part:
    """The part of some slices that lies in a box."""

    hu: Slices
    box: tuple[slice, slice, slice]

    def __getitem__(self, number: int) -> npt.NDArray[np.int16]:
        return self.hu[self.box[0].start + number][self.box[1:]]


def _sides_swapped(labels: Labels, column_mm: float) -> bool:
    """Whether the right lung's centre lies clearly to the patient's left of the left lung's centre."""
    right, left = (labels == side for side in (RIGHT_LUNG, LEFT_LUNG))
    if not right.any() or not left.any():
        return False
    return (middle_column(right) - middle_column(left)) * column_mm > SWAP_MM


def _drop_smaller_than_lungs(labels: Labels, voxel_ml: float, ends: tuple[bool, bool]) -> list[int]:
    """Remove in place what is too small for two lungs, unless an end of the scan cuts it; return each side's voxels."""
    is_cut = (labels[0].any() and ends[0]) or (labels[-1].any() and ends[1])
    if is_cut or np.count_nonzero(labels) * voxel_ml >= LUNGS_LEAST_ML:
        return []
    sizes = [int(size) for size in np.bincount(labels.ravel())[1:] if size]
    labels[:] = 0
    return sizes


def _fill_holes(labels: Labels, side: int, pixel_mm2: float) -> int:
    """Fill in place holes of any size that one lung encloses (an enclosed tumour is lung); return the voxels filled.

    In scans of one or two slices only small holes are filled: a large one may be the dome of the liver.
    """
    box = bounding_box_of_planes(plane == side for plane in labels)
    lung = labels[box]
    if not lung.size:
        return 0
    # The first and last slice count as open ends, unless there is no third dimension.
    outside = np.ones((len(lung), lung.shape[1] + 2, lung.shape[2] + 2), np.bool_)
    np.not_equal(lung, side, out=outside[:, 1:-1, 1:-1])
    regions, count = numbered_parts(outside)
    open_ends = np.unique(regions[[0, -1]]) if len(lung) > 2 else regions[:, 0, 0]
    is_hole = np.ones(count + 1, bool)
    is_hole[[0, regions[0, 0, 0], *open_ends]] = False
    if len(lung) <= 2:
        is_hole &= np.bincount(regions.ravel()) * pixel_mm2 <= LONE_HOLE_MM2 * len(lung)
    holes = looked_up(is_hole, regions[:, 1:-1, 1:-1])
    lung[holes] = side
    return int(np.count_nonzero(holes))


def _labels_before(region: Probabilities, swapped: bool) -> Iterator[Labels]:
    """Yield the network's labels of each slice, of the other sides if it swapped them.

    They are made again where they are needed: those of a thousand slices would be 40 MB beside what parts take.
    """
    for probability_map in region:
        labels = hard_labels(probability_map)
        yield OTHER_SIDE[labels] if swapped else labels


def _apply(region: Probabilities, labels: Labels, swapped: bool) -> None:
    """Change (D, 2, H, W) probabilities in place so that these are their labels."""
    for probability_map, old, new in zip(region, _labels_before(region, swapped), labels, strict=True):
        if swapped:
            probability_map[:] = probability_map[::-1].copy()
        right, left = probability_map
        gone = (old > 0) & (new == 0)
        right[gone] = left[gone] = 0
        moved = (old > 0) & (new > 0) & (new != old)
        right[moved], left[moved] = left[moved], right[moved]
        filled = (old == 0) & (new > 0)
        right[filled] = np.where(new[filled] == RIGHT_LUNG, 255, 0)
        left[filled] = np.where(new[filled] == LEFT_LUNG, 255, 0)
