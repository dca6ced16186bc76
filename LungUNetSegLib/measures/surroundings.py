"""Measures what lies beside the lungs: air in the trachea, which checks HU scale and noise, and blood between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume

LUMEN_BELOW_HU = -800
"""Upper limit of air with noise; pixels that are blurred with the wall lie above."""

ABOVE_MM, BELOW_MM = 50.0, 70.0
"""How far above and below the lungs' upper end the trachea is searched for."""

BESIDE_MM = 35.0
"""Largest distance of the trachea from the middle between both lungs."""

AREA_MM2 = (70.0, 700.0)
"""Range of the lumen's area (Breatnach 1984, doi:10.2214/ajr.142.5.903: 10 to 27 mm wide)."""

LEAST_FILL = 0.55
"""Smallest share of its bounding box that the lumen fills; a round one fills 0.79."""

MOST_OBLONG = 2.5
"""Largest ratio of its sides; expiration flattens the trachea."""

STEP_MM = 3.0
"""Distance between the slices that are searched."""

DRIFT_MM = 8.0
"""Largest distance between its centres in two successive ones of these slices."""

LEAST_HEIGHT_MM = 24.0
WALL_MM = 3.0
"""Width of the lumen's edge that is left out, since it is blurred with the wall."""

LEAST_VOXELS = 60
"""With fewer voxels the noise is more than 10 % uncertain."""

TISSUE_HU = (-20, 500)
"""HU of the tissue between the lungs that is used: heart, vessels, muscle, bone, but not fat."""

ROW_STEP = 4
"""Every fourth slice and row is enough for a median."""


@dataclass(frozen=True)
class TracheaAir:
    """The air in the trachea.

    Attributes:
        median_hu: Its median, near -1000 on a calibrated scanner.
        noise_hu: Standard deviation, from the median to the 84th percentile, as readers clip values below -1024.
        voxels: Number of voxels.
    """

    median_hu: float
    noise_hu: float
    voxels: int


def trachea_air(labels: Volume, scan: Volume) -> TracheaAir | None:
    """Measure the air in the trachea, between and above the lungs; None if no trachea is found with certainty.

    A lumen is round air of the right size near the middle that is not lung; it must extend over `LEAST_HEIGHT_MM`.

    Args:
        labels: 0 where there is no lung.
        scan: HU, on the same grid.
    """
    lungs, image = labels.canonical(), scan.canonical()
    slice_mm, row_mm, column_mm = image.geometry.spacing_mm
    used = np.flatnonzero(lungs.array.any(axis=(1, 2)))
    if not used.size:
        return None
    middle, rows = _place(lungs.array[used[0] : used[-1] + 1])
    half = round(BESIDE_MM / column_mm)
    columns = slice(max(0, round(middle) - half), round(middle) + half + 1)
    step = max(1, round(STEP_MM / slice_mm))
    first = max(0, used[-1] - round(BELOW_MM / slice_mm))
    last = min(len(image.array) - 1, used[-1] + round(ABOVE_MM / slice_mm))
    pixel_mm = (row_mm, column_mm)
    chain: list[npt.NDArray[np.int16]] = []
    best: list[npt.NDArray[np.int16]] = []
    place = None
    for number in range(first, last + 1, step):
        hu = image.array[number, rows, columns]
        found = _lumen(hu, lungs.array[number, rows, columns], pixel_mm, place)
        if found is None:
            chain, place = [], None
            continue
        lumen, place = found
        inner = ndimage.binary_erosion(lumen, _disc(WALL_MM, pixel_mm))
        chain.append(hu[inner])
        best = max(best, chain, key=len)
    values = np.concatenate(best) if best else np.zeros(0)
    if len(best) * step * slice_mm < LEAST_HEIGHT_MM or values.size < LEAST_VOXELS:
        return None
    median, upper = np.percentile(values, (50, 84.13))
    return TracheaAir(float(median), float(upper - median), int(values.size))


def blood_hu(labels: Volume, scan: Volume) -> float | None:
    """Return the median HU of the tissue between the right and the left lung, most of it heart and great vessels.

    Without contrast agent it is near 45 HU. None if the lungs do not lie beside each other, or are one label.

    Args:
        labels: 1 right and 2 left lung.
        scan: HU, on the same grid.
    """
    low, high = TISSUE_HU
    found = []
    lungs, image = labels.canonical().array, scan.canonical().array
    columns = np.arange(lungs.shape[2])
    for plane, hu in zip(lungs[::ROW_STEP, ::ROW_STEP], image[::ROW_STEP, ::ROW_STEP], strict=True):
        right, left = plane == RIGHT_LUNG, plane == LEFT_LUNG
        rows = np.flatnonzero(right.any(axis=1) & left.any(axis=1))
        after_right = columns > right[rows].argmax(axis=1)[:, None]
        before_left = columns < columns[-1] - left[rows, ::-1].argmax(axis=1)[:, None]
        values = hu[rows][after_right & before_left & (plane[rows] == 0)]
        found.append(values[(values > low) & (values < high)])
    tissue = np.concatenate(found)
    return float(np.median(tissue)) if tissue.size >= LEAST_VOXELS else None


def _place(lungs: npt.NDArray[np.uint8]) -> tuple[float, slice]:
    """Return the column in the middle of the lungs, and the range of their rows."""
    flat = np.asarray(lungs.any(axis=0))
    columns, rows = np.flatnonzero(flat.any(axis=0)), np.flatnonzero(flat.any(axis=1))
    return float(columns[0] + columns[-1]) / 2, slice(int(rows[0]), int(rows[-1]) + 1)


def _lumen(
    hu: npt.NDArray[np.int16],
    lungs: npt.NDArray[np.uint8],
    pixel_mm: tuple[float, float],
    before: tuple[float, float] | None,
) -> tuple[npt.NDArray[np.bool_], tuple[float, float]] | None:
    """Return the lumen in a slice and its centre in mm: the largest one that is close enough to the previous one."""
    parts, _ = ndimage.label((hu < LUMEN_BELOW_HU) & (lungs == 0))
    best = None
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        part = parts[box] == number
        pixels = int(np.count_nonzero(part))
        on_edge = any(each.start == 0 or each.stop == size for each, size in zip(box, hu.shape, strict=True))
        in_range = AREA_MM2[0] <= pixels * pixel_mm[0] * pixel_mm[1] <= AREA_MM2[1]
        sides_mm = [size * step for size, step in zip(part.shape, pixel_mm, strict=True)]
        is_round = pixels >= LEAST_FILL * part.size and max(sides_mm) <= MOST_OBLONG * min(sides_mm)
        if on_edge or not in_range or not is_round:
            continue
        place = tuple((each.start + each.stop) / 2 * step for each, step in zip(box, pixel_mm, strict=True))
        if before is not None and np.hypot(place[0] - before[0], place[1] - before[1]) > DRIFT_MM:
            continue
        if best is None or pixels > best[0]:
            best = pixels, number, (place[0], place[1])
    return None if best is None else (parts == best[1], best[2])


def _disc(radius_mm: float, pixel_mm: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """Return a disc in pixels, its radius rounded up."""
    reach = [math.ceil(radius_mm / step) for step in pixel_mm]
    rows, columns = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return np.asarray((rows / reach[0]) ** 2 + (columns / reach[1]) ** 2 <= 1)
