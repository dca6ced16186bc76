"""Subtracts the density of one date from that of another, place by place, once the scans are aligned."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LungUNetSegLib.followup.alignment import Alignment, bring
from LungUNetSegLib.volume import Volume, bounding_box

SMOOTH_MM = 4.0
"""Standard deviation of the Gaussian over which a difference of density is averaged; vessels are aligned less well."""


def density_change(first: Volume, second: Volume, lungs: tuple[Volume, Volume], alignment: Alignment) -> Volume:
    """Return the change of local mean density, HU, on the second scan's grid; 0 outside the lungs of both.

    Args:
        first: HU of the first scan.
        second: HU of the second.
        lungs: The label maps of both.
        alignment: From `align_deformable`.

    Returns:
        float32; second less first, both averaged within the lungs by a Gaussian of `SMOOTH_MM`.
    """
    moved = bring(first, second.geometry, alignment)
    both = (bring(lungs[0], second.geometry, alignment, is_labels=True).array > 0) & (lungs[1].array > 0)
    box = bounding_box(both)  # outside there is nothing to average
    sigmas = [SMOOTH_MM / each for each in second.geometry.spacing_mm]
    inside = both[box]
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigmas, mode="constant")
    difference = np.where(inside, second.array[box].astype(np.float32) - moved.array[box], np.float32(0))
    total = ndimage.gaussian_filter(difference, sigmas, mode="constant")
    change = np.zeros(both.shape, np.float32)
    np.divide(total, weight, out=change[box], where=inside & (weight > 0))
    return Volume(change, second.geometry)
