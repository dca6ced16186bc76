"""Makes a map of local density: at each voxel of a lung the mean HU of that lung around it.

Each lung is mapped by itself, so that neither the other lung nor the chest wall counts.
docs/measures.md has the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import FloatArray, Labels
from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import (
    AIR_HU,
    GRID_TOLERANCE_MM,
    Volume,
    bounding_box,
    bounding_box_of_planes,
    to_hu,
)

KERNEL_MM = 10.0
"""About the width of the box over which HU are averaged, and that of a secondary pulmonary lobule."""

CELL_MM = 2.0
"""About the width of the cells of whole voxels that are added up first; all voxels of a cell have one value."""

OUTSIDE_HU = AIR_HU
"""The value of voxels that are no lung."""


def density_map(labels: Volume, scan: Volume) -> Volume:
    """Return the local mean density of the lungs.

    Args:
        labels: 1 right and 2 left lung, or 1 both; other values are no lung.
        scan: HU, on the same grid.

    Returns:
        int16 HU on that grid; `OUTSIDE_HU` outside the lungs.

    Raises:
        GeometryError: The labels lie on another grid.
    """
    if not labels.geometry.matches(scan.geometry, GRID_TOLERANCE_MM):
        raise GeometryError("The lungs lie on another grid than the scan: resample them onto the scan's grid first.")
    drawn = Volume(np.full(labels.array.shape, OUTSIDE_HU, np.int16), labels.geometry)
    upright, hu, target = labels.canonical(), scan.canonical().array, drawn.canonical().array
    spacing_mm = upright.geometry.spacing_mm
    for label in (RIGHT_LUNG, LEFT_LUNG):
        box = bounding_box_of_planes(values == label for values in upright.array)
        lung = upright.array[box]
        if lung.size:
            _draw(lung, label, hu[box], target[box], spacing_mm)
    return drawn


def kernel(spacing_mm: tuple[float, float, float]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return along each axis the voxels of a cell and the cells of the box: odd numbers, for about `KERNEL_MM`.

    Args:
        spacing_mm: Of voxels; with slices of 5 mm the box is 15 mm high.
    """
    voxels = [max(1, round(CELL_MM / each)) for each in spacing_mm]
    cells = [
        2 * int((KERNEL_MM / (number * each) - 1) / 2 + 0.5) + 1 if number * each < KERNEL_MM else 1
        for number, each in zip(voxels, spacing_mm, strict=True)
    ]
    return (voxels[0], voxels[1], voxels[2]), (cells[0], cells[1], cells[2])


def values_near(density: Volume, points_lps: FloatArray) -> npt.NDArray[np.int16]:
    """Return the values of a map at points on the surface of the lungs: of each the nearest voxel at the lungs' edge.

    Args:
        density: From `density_map`; not empty.
        points_lps: (N, 3) LPS mm.

    Returns:
        (N,) HU.
    """
    from scipy.spatial import cKDTree  # takes 0.1 s to import, and segmenting does not need it

    box = bounding_box(density.array > OUTSIDE_HU)
    values = density.array[box]
    inside = values > OUTSIDE_HU
    places = np.argwhere(inside & ~ndimage.binary_erosion(inside))
    corner = [each.start for each in box]
    tree = cKDTree(density.geometry.to_lps(places + corner), 32, compact_nodes=False, balanced_tree=False)
    nearest = tree.query(points_lps, workers=-1)[1]
    found: npt.NDArray[np.int16] = values[tuple(places[nearest].T)]
    return found


def _draw(
    lung: Labels,
    label: int,
    hu: npt.NDArray[Any],
    target: npt.NDArray[np.int16],
    spacing_mm: tuple[float, float, float],
) -> None:
    """Write the local means of one lung, all in its box."""
    (deep, high, wide), cells = kernel(spacing_mm)
    shape = tuple(-(-size // step) for size, step in zip(lung.shape, (deep, high, wide), strict=True))
    sums, counts = np.zeros(shape), np.zeros(shape)
    rows, columns = (np.arange(0, size, step) for size, step in zip(lung.shape[1:], (high, wide), strict=True))
    for index in range(shape[0]):
        slab = slice(index * deep, (index + 1) * deep)
        here = lung[slab] == label
        inside = (to_hu(hu[slab]) * here).sum(axis=0, dtype=np.int32)
        sums[index] = np.add.reduceat(np.add.reduceat(inside, rows, axis=0), columns, axis=1)
        number = here.sum(axis=0, dtype=np.int32)
        counts[index] = np.add.reduceat(np.add.reduceat(number, rows, axis=0), columns, axis=1)
    weights = ndimage.uniform_filter(counts, cells, mode="constant")
    totals = ndimage.uniform_filter(sums, cells, mode="constant")
    means = np.divide(totals, weights, out=np.zeros(shape), where=counts > 0)
    values = np.rint(means).astype(np.int16)
    row_of, column_of = np.arange(lung.shape[1]) // high, np.arange(lung.shape[2]) // wide
    for index in range(shape[0]):
        slab = slice(index * deep, (index + 1) * deep)
        plane = values[index][np.ix_(row_of, column_of)]
        np.copyto(target[slab], plane[None], where=lung[slab] == label)
