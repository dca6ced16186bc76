"""Removes dense tissue that hangs on a lung by thin bridges only, such as muscle above the lung's apex.

A network that looks at a few slices takes soft tissue for an opaque lung where it lies as a lung would. A few pixels
often join that to the lung, so that it is no part of its own. Lung that is dense, by pneumonia or a tumour, lies on the
rest of the lung over a wide area.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LungUNetSegLib.arrays import FloatArray, Labels, Mask
from LungUNetSegLib.segmentation.masks import Numbers, counted, eroded, looked_up, numbered_parts
from LungUNetSegLib.segmentation.probabilities import Slices
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import SliceBox, bounding_box, bounding_box_of_planes

BRIDGE_MM = 6.0
"""What is narrower in each slice is a bridge (docs/adr/0021)."""

LARGEST_ML = 10.0
"""A larger part may be a consolidated lobe, of which the network found pieces; the largest that was wrong had 5 ml."""

LEAST_ML = 0.2
"""A smaller part is too small to tell its density, and goes only with a larger part that it hangs together with."""

SOLID_HU = -500.0
"""Mean of what is removed: in 14 volumes and 84 random views of them the parts that were no lung had -425 and more,
parts of lung that hang on it -595 and less."""


def drop_hanging_tissue(labels: Labels, hu: Slices, spacing_mm: tuple[float, float, float]) -> list[int]:
    """Remove dense tissue that hangs on a lung by bridges, from labels in place.

    Args:
        labels: (D, h, w) uint8; 1 = the patient's right lung, 2 = left.
        hu: (D, h, w) the scan there.
        spacing_mm: (slice, row, column).

    Returns:
        The voxels of each part that was removed, with the bridges to it.
    """
    sides = (RIGHT_LUNG, LEFT_LUNG)
    return [size for side in sides for size in _drop_from_lung(labels, side, hu, spacing_mm)]


def _drop_from_lung(labels: Labels, side: int, hu: Slices, spacing_mm: tuple[float, float, float]) -> list[int]:
    """Remove what hangs on one lung; of both at once the numbers of parts would be kept."""
    steps = max(1, round(BRIDGE_MM / 2 / spacing_mm[1]))
    place = bounding_box_of_planes(plane == side for plane in labels)
    parts, count = _cores(labels[place], side, steps)
    if count < 2:
        return []
    voxels = counted(parts, count + 1)
    sizes_ml = voxels * (float(np.prod(spacing_mm)) / 1000)
    sizes_ml[0] = 0
    is_lung = sizes_ml >= LEAST_ML
    sizes_ml[sizes_ml.argmax()] = 0
    may_hang = (sizes_ml >= LEAST_ML) & (sizes_ml <= LARGEST_ML)
    may_hang &= _sums_of_hu(parts, may_hang, hu, place) > SOLID_HU * voxels
    lung, removed = labels[place] == side, []
    for number in np.flatnonzero(may_hang):
        core = parts == number
        hanging = _with_bridges(core, looked_up(is_lung, parts) & ~core, lung, steps)
        labels[place][hanging] = 0
        removed.append(int(np.count_nonzero(hanging)))
    return removed


def _cores(lung: Labels, side: int, steps: int) -> tuple[Numbers, int]:
    """Number the connected parts that are left of a lung without its bridges; return `numbered_parts` of them."""
    cores = np.empty(lung.shape, np.bool_)
    for plane, core in zip(lung, cores, strict=True):
        core[:] = eroded(plane == side, steps)
    return numbered_parts(cores)


def _sums_of_hu(parts: Numbers, wanted: Mask, hu: Slices, place: SliceBox) -> FloatArray:
    """Return the sum of HU of each wanted part, 0 of the others; a slice is sampled once, and only if it shows one."""
    sums = np.zeros(wanted.size)
    for number, plane in enumerate(parts, place[0].start):
        inside = wanted[plane]
        if inside.any():
            sums += np.bincount(plane[inside], hu[number][place[1:]][inside], wanted.size)
    return sums


def _with_bridges(core: Mask, others: Mask, lung: Mask, steps: int) -> Mask:
    """Return a part with all that hangs together with it in its slices and those beside them, the lung left out."""
    near = bounding_box(core, margin=1)[0]
    loose = lung[near] & ~_grown(others[near], lung[near], steps)
    pieces, count = ndimage.label(loose, np.ones((3, 3, 3)))
    belongs = np.zeros(count + 1, bool)
    belongs[pieces[core[near]]] = True
    belongs[0] = False
    result = np.zeros_like(lung)
    result[near] = belongs[pieces]
    return result


def _grown(core: Mask, lung: Mask, steps: int) -> Mask:
    """Return the pixels of a lung that lie so many steps, also diagonal ones, from a core in its slice."""
    grown = np.zeros_like(lung)
    for number in np.flatnonzero(core.any(axis=(1, 2))):
        grown[number] = ndimage.binary_dilation(core[number], np.ones((3, 3)), steps, mask=lung[number])
    return grown
