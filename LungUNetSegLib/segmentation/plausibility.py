"""Checks whether labels can be a human's lungs: their volume, height, density and structure."""

from __future__ import annotations

import numpy as np

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.measures import LungMeasures
from LungUNetSegLib.preprocessing.coarse import reduce_planes
from LungUNetSegLib.segments import SIDES
from LungUNetSegLib.volume import Volume, to_hu

GREATEST_LUNGS_ML = 13_000.0
"""The largest measured total lung capacities are near 12 litres."""

TALLEST_LUNG_MM = 420.0
"""Lungs are no taller; in our scans of whole chests they have 265 to 288 mm."""

DENSE_HU = -300.0
"""Lungs with a higher mean density hold less air than tissue."""

UNIFORM_HU = 30.0
"""The middle half of a lung's voxels spans more; in our scans 64 to 186 HU, as lungs hold vessels and are heavier at
the back. Foam, and the gas in a bottle or a pneumothorax, differ by noise only."""

GAS_HU, GAS_LEAST_ML = -965.0, 20.0
"""Squares of lung whose mean is lower hold gas and no tissue, and from so many ml on it is said. The lungs of 13 of our
volumes have none, in soft and sharp kernels, and at most 2 ml below -955 HU. By noise single voxels reach lower."""

GAS_SQUARE_MM, GAS_STEP_MM = 8.0, 5.0
"""Width of a square, and distance of the slices that are looked at."""


def unlike_lungs(scan: Volume, labels: Volume, measures: LungMeasures) -> tuple[Finding, ...]:
    """Return findings where labels, of which some are lung, are too large, too dense, too light or too uniform.

    Args:
        scan: HU.
        labels: 0 is not lung; on the same grid.
        measures: Of these labels.
    """
    found = (
        _too_large(measures.volumes_ml["total"]),
        _too_tall(labels.canonical()),
        _dense(measures.mean_hu),
        _uniform(measures),
        _gas(scan.canonical(), labels.canonical()),
    )
    return tuple(finding for finding in found if finding)


def _too_large(total_ml: float) -> Finding | None:
    if total_ml <= GREATEST_LUNGS_ML:
        return None
    message = f"{total_ml:.0f} ml is too much for human lungs: the scan's spacing or the result is wrong."
    return Finding("volume-of-no-human", message)


def _too_tall(labels: Volume) -> Finding | None:
    used = np.flatnonzero(labels.array.any(axis=(1, 2)))
    height_mm = float(used[-1] + 1 - used[0]) * labels.geometry.spacing_mm[0]
    if height_mm <= TALLEST_LUNG_MM:
        return None
    message = (
        f"No human's lungs are {height_mm:.0f} mm tall: the distance of the slices is wrong, or the file shows a chest"
        " twice, or the result is wrong. Do not use the volumes."
    )
    return Finding("volume-of-no-human", message)


def _dense(mean_hu: dict[str, float]) -> Finding | None:
    dense = {name: value for name, value in mean_hu.items() if name != "total" and value > DENSE_HU}
    if not mean_hu or (not dense and mean_hu["total"] <= DENSE_HU):
        return None
    which = " and ".join(f"the {name} lung ({value:.0f} HU)" for name, value in dense.items())
    which = which or f"the lungs ({mean_hu['total']:.0f} HU)"
    message = f"Almost as dense as soft tissue: {which}. Is it airless, wrongly scaled, or not a lung?"
    return Finding("dense-lung", message)


def _uniform(measures: LungMeasures) -> Finding | None:
    names = SIDES if "right" in measures.volumes_ml else ("total",)
    uniform = [
        "the lungs" if name == "total" else f"the {name} lung"
        for name in names
        if name in measures.middle_half_hu
        and measures.middle_half_hu[name] <= UNIFORM_HU
        and measures.mean_hu[name] <= DENSE_HU
    ]
    if not uniform:
        return None
    message = (
        f"Half of {' and of '.join(uniform)} has one density within {UNIFORM_HU:.0f} HU, as no lung with its vessels"
        " has: is it a phantom, gas outside the lung, or an image whose scale was cut off?"
    )
    return Finding("uniform-lung", message)


def _gas(scan: Volume, labels: Volume) -> Finding | None:
    """Return a finding if parts of the lungs hold gas only; both volumes must be canonical."""
    depth, high, wide = labels.array.shape
    slice_mm, row_mm, _ = labels.geometry.spacing_mm
    step, width = max(1, round(GAS_STEP_MM / slice_mm)), max(1, round(GAS_SQUARE_MM / row_mm))
    rows, columns = high // width, wide // width
    squares = 0
    for number in range(0, depth, step):
        lung = labels.array[number, : rows * width, : columns * width] > 0
        if not lung.any():
            continue
        is_lung = lung.reshape(rows, width, columns, width).all(axis=(1, 3))
        is_gas = is_lung & (reduce_planes(to_hu(scan.array[number]), width) < GAS_HU)
        squares += int(np.count_nonzero(is_gas))
    gas_ml = squares * width**2 * step * labels.geometry.voxel_volume_ml
    if gas_ml < GAS_LEAST_ML:
        return None
    message = (
        f"{gas_ml:.0f} ml of the lungs hold gas only, no tissue: bullae, or a pneumothorax or bowel that was taken for"
        " lung?"
    )
    return Finding("gas-in-lung", message)
