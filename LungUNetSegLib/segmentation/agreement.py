"""Compares the lungs of a result with those that the coarse network found in the whole scan.

The slice network gets the coarse probabilities as input, but it is not bound by them. Where both disagree, one of them
is wrong: liver that a few slices took for an opaque lung, or a lung that the coarse network did not recognise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.metrics import count
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.preprocessing.coarse import coarsen_slices
from LungUNetSegLib.segmentation.probabilities import Probabilities, hard_labels, side_shares

FAR_MM = 12.0
"""Lung this far from the coarse network's lungs is no matter of partial volumes: it is twice that network's voxel."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well a result and the coarse network's lungs agree, in coarse voxels.

    Attributes:
        dsc: Dice coefficient of both lungs together; None if neither has any.
        far_ml: Volume of the largest part of the result's lungs that lies more than `FAR_MM` from the coarse lungs.
        side_ml: Volume that both call lung, but of different sides.
    """

    dsc: float | None
    far_ml: float
    side_ml: float


def compare_stages(
    coarse: npt.NDArray[np.float32], probabilities: Probabilities, slice_mm: float, config: PreprocessConfig
) -> Agreement:
    """Compare a cleaned result with the coarse probabilities of the same scan.

    Args:
        coarse: (2, d, a, b) probabilities of right and left lung, at least as deep as the scan's coarse view.
        probabilities: (D, 2, h, w), 0 to 255, after cleaning.
        slice_mm: Distance of the slices.
        config: Settings of both grids.
    """
    found = _reduced_labels(probabilities, slice_mm, config)
    expected = hard_labels(coarse[:, : len(found)].swapaxes(0, 1), 0.5)
    spacing_mm = (config.coarse_mm, *(config.spacing_mm * config.coarse_factor,) * 2)
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    dsc = count(found > 0, expected > 0).dsc if found.any() or expected.any() else None
    sides = (found > 0) & (expected > 0) & (found != expected)
    return Agreement(
        dsc=None if dsc is None else float(dsc),
        far_ml=_largest_part(_far_from(expected > 0, spacing_mm) & (found > 0)) * voxel_ml,
        side_ml=int(np.count_nonzero(sides)) * voxel_ml,
    )


def _reduced_labels(probabilities: Probabilities, slice_mm: float, config: PreprocessConfig) -> npt.NDArray[np.uint8]:
    """Return (d, a, b) labels: the side that fills at least half of a coarse voxel, else 0."""
    reduced = np.stack([side_shares(probability_map, config.coarse_factor) for probability_map in probabilities])
    shares = coarsen_slices(reduced, slice_mm, config)
    return hard_labels(shares, 0.5)


def _far_from(mask: Mask, spacing_mm: tuple[float, ...]) -> Mask:
    if not mask.any():
        return np.ones_like(mask)
    far: Mask = ndimage.distance_transform_edt(~mask, sampling=spacing_mm) > FAR_MM
    return far


def _largest_part(mask: Mask) -> int:
    """Return the number of voxels of the largest connected part."""
    parts, number = ndimage.label(mask)
    return int(np.bincount(parts[parts > 0]).max()) if number else 0
