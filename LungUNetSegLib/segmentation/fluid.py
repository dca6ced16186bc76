"""Removes large collections of fluid that the network took for lung: effusions, the space after a pneumonectomy.

Only HU tell them from airless lung: fluid has 0 to 25, collapsed or consolidated lung 30 and more. In the network's
wide window these are nearly equal, and a pixel's noise is larger; the mean of a few cubic centimetres shows it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.preprocessing.coarse import reduce_planes
from LungUNetSegLib.segmentation.probabilities import Probabilities, Slices, hard_labels, lung_box, side_shares
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

FLUID_HU = (-30.0, 28.0)
"""Effusions have up to 25 HU, but for blood and pus; fat has -70 and less."""

FLUID_LEAST_ML = 100.0
"""Smaller collections are left alone, as are necrotic tumours: within its edge, a ball of this volume is 6 cm wide."""

BLOCK_MM = 6.0
"""HU are averaged over blocks of this side in a slice, and slices as far apart are looked at."""

FULL_SHARE = 0.95
"""Blocks with less lung are at its edge, where fat or air takes part in the mean."""

SOLID_HU = -100.0
"""A block with less holds air."""

RIM_BLOCKS = 2
"""Everything solid within this distance of a collection goes with it: its edge, which no full block reaches."""

AERATED_HU = -150
"""Pixels of the rim with less hold air, and stay."""

CUBE = np.ones((3, 3, 3), bool)


def drop_fluid(probabilities: Probabilities, hu: Slices, spacing_mm: tuple[float, float, float]) -> int:
    """Set the probabilities of large collections of fluid to 0, in place.

    Args:
        probabilities: (D, 2, h, w), 0 to 255; channel 0 right lung, 1 left.
        hu: (D, h, w) the slices.
        spacing_mm: (slice, row, column).

    Returns:
        The number of voxels that are no longer lung; 0 for scans of fewer than three slices `BLOCK_MM` apart.
    """
    thick, factor = (max(1, round(BLOCK_MM / each)) for each in spacing_mm[:2])
    box = lung_box(probabilities)
    numbers = range(box[0].start + thick // 2, box[0].stop, thick)
    if len(numbers) < 3:
        return 0
    shares = np.stack([side_shares(probabilities[number], factor) for number in numbers], axis=1)
    blocks = np.stack([reduce_planes(hu[number], factor) for number in numbers])
    block_ml = float(np.prod(spacing_mm)) * thick * factor**2 / 1000
    dropped = 0
    for side, share in zip((RIGHT_LUNG, LEFT_LUNG), shares, strict=True):
        for index, reached in enumerate(_reached_by_fluid(blocks, share, block_ml)):
            if reached.any():
                first = box[0].start + index * thick
                slices = range(first, min(first + thick, box[0].stop))
                dropped += _drop(probabilities, hu, slices, side, reached.repeat(factor, 0).repeat(factor, 1))
    return dropped


def _reached_by_fluid(blocks: npt.NDArray[np.float32], share: npt.NDArray[np.float32], block_ml: float) -> Mask:
    """Return (n, a, b), the blocks of large collections in one lung and those around them that are not denser."""
    solid = (share >= FULL_SHARE) & (blocks > SOLID_HU)
    near = ndimage.uniform_filter(solid.astype(np.float32), 3, mode="constant")
    mean = ndimage.uniform_filter(np.where(solid, blocks, 0), 3, mode="constant") / np.maximum(near, 1e-3)
    fluid = solid & (mean > FLUID_HU[0]) & (mean < FLUID_HU[1])
    # Where solid lung meets fat or air, a thin shell has the mean of both.
    parts, _ = ndimage.label(ndimage.binary_opening(fluid, CUBE))
    is_large = np.bincount(parts.ravel()) * block_ml >= FLUID_LEAST_ML
    is_large[0] = False
    large: Mask = is_large[parts]
    if not large.any():
        return large
    denser = solid & (mean >= FLUID_HU[1])
    return np.asarray(ndimage.binary_dilation(large, CUBE, iterations=RIM_BLOCKS) & ~denser)


def _drop(probabilities: Probabilities, hu: Slices, slices: range, side: int, reached: Mask) -> int:
    """Set the solid pixels of one lung in the reached part of some slices to 0; return their number."""
    dropped = 0
    rows, columns = reached.shape
    for number in slices:
        probability_map = probabilities[number][:, :rows, :columns]
        fluid = reached & (hard_labels(probability_map) == side) & (hu[number][:rows, :columns] > AERATED_HU)
        probability_map[:, fluid] = 0
        dropped += int(np.count_nonzero(fluid))
    return dropped
