"""Checks what lies between the lungs and the ribs behind them, where healthy lungs touch the chest wall.

Networks leave out consolidated lung, and at the back they are sure of it: without this check nothing would say so.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.segmentation.anatomy import BONE_HU
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume

TISSUE_HU = (-100, 130)

STEP_MM = (5.0, 3.0, 5.0)
"""Every so many mm is looked at."""

RIBS_MM = 15.0
"""Ribs are oblique: those of so many mm above and below close the gaps between the ribs of a slice."""

BASE_SHARE = 0.33
"""The lowest slices of each lung are not judged: there the diaphragm lies behind it."""

LEAST_HEIGHT_MM = 40.0
"""Lungs of less height show too little of the ribs."""

THICK_MM, FAR_MM, TISSUE_SHARE = 15.0, 120.0, 0.8
"""What lies between counts if it is thicker than the wall inside the ribs, thinner than a chest, and mostly tissue."""

LEAST_SHARE, LEAST_ML = 0.15, 20.0
"""Share of a lung's back that must be covered, and by how much. In our scans, also cut ones, the share is 0.05 and
less; where the network left out a consolidated back, 0.30 and more."""

SOLID_HU = 25.0
"""Fluid, which is no lung, has a lower median."""


def solid_behind(scan: Volume, labels: Volume, *, have_sides: bool = True) -> Finding | None:
    """Return a finding if tissue as dense as airless lung covers the back of a lung.

    Args:
        scan: HU.
        labels: 1 right and 2 left lung on the same grid; 0 is not lung.
        have_sides: Whether they tell the lungs apart.
    """
    thinned = labels.thinned(STEP_MM)
    hu, lungs = _along_rows(scan.thinned(STEP_MM)), _along_rows(thinned)
    near = np.ix_(lungs.any(axis=(1, 2)), lungs.any(axis=(0, 2)))
    hu, lungs, step_mm = hu[near], lungs[near], thinned.geometry.spacing_mm
    ribs = ndimage.maximum_filter1d(hu > BONE_HU, 2 * round(RIBS_MM / step_mm[0]) + 1, axis=0)
    sides = {"the right lung": lungs == RIGHT_LUNG, "the left lung": lungs == LEFT_LUNG}
    covered = []
    for name, lung in (sides if have_sides else {"the lungs": lungs > 0}).items():
        ml, median_hu = _covering(hu, ribs, lung, step_mm)
        if ml >= LEAST_ML and median_hu >= SOLID_HU:
            covered.append(f"{name} ({ml:.0f} ml, {median_hu:.0f} HU)")
    if not covered:
        return None
    message = (
        f"Solid tissue lies between the ribs and the back of {' and of '.join(covered)}, where a healthy lung touches"
        " the chest wall: was airless lung left out?"
    )
    return Finding("solid-behind-lung", message)


def _covering(
    hu: npt.NDArray[np.int16], ribs: Mask, lung: Mask, step_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """Return ml and median HU of the tissue that covers the back of a lung; 0 ml if it covers too little of it."""
    slice_mm, row_mm, column_mm = step_mm
    lung = _without_base(lung)
    if np.count_nonzero(lung.any(axis=(1, 2))) * slice_mm < (1 - BASE_SHARE) * LEAST_HEIGHT_MM:
        return 0.0, 0.0
    between, is_judged = _between(lung, ribs)
    rows = np.count_nonzero(between, axis=2)
    tissue = np.count_nonzero(between & (hu > TISSUE_HU[0]) & (hu < TISSUE_HU[1]), axis=2)
    is_covered = (rows * row_mm > THICK_MM) & (rows * row_mm < FAR_MM) & (tissue > TISSUE_SHARE * rows)
    if not is_covered.any() or np.count_nonzero(is_covered) < LEAST_SHARE * np.count_nonzero(is_judged):
        return 0.0, 0.0
    ml = float(rows[is_covered].sum()) * slice_mm * row_mm * column_mm / 1000
    return ml, float(np.median(hu[between & is_covered[..., None]]))


def _along_rows(volume: Volume) -> npt.NDArray[np.int16]:
    """Return the voxels of a canonical volume with axes (head, left, back)."""
    return volume.array.transpose(0, 2, 1)


def _without_base(lung: Mask) -> Mask:
    """Return a lung without its lowest slices."""
    used = np.flatnonzero(lung.any(axis=(1, 2)))
    judged = lung.copy()
    if len(used):
        judged[: used[0] + int(BASE_SHARE * len(used))] = False
    return judged


def _between(lung: Mask, ribs: Mask) -> tuple[Mask, Mask]:
    """Return what lies between a lung's last voxel on each ray and the ribs, and which rays have both."""
    rows = np.arange(lung.shape[2], dtype=np.int16)
    last = (lung.shape[2] - 1 - lung[..., ::-1].argmax(axis=2)[..., None]).astype(np.int16)
    behind = ribs & (rows > last)
    is_judged = lung.any(axis=2) & behind.any(axis=2)
    first = behind.argmax(axis=2)[..., None].astype(np.int16)
    return (rows > last) & (rows < first) & is_judged[..., None], is_judged
