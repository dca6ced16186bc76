"""Makes matrices for linear interpolation along one axis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def interpolation_matrix(
    source_size: int, source_spacing_mm: float, target_size: int, target_spacing_mm: float, target_start_mm: float
) -> npt.NDArray[np.float32]:
    """Return the (target_size, source_size) matrix that resamples one axis.

    The kernel is a triangle as wide as the coarser of the two spacings: linear interpolation when upsampling, an
    average without aliasing when downsampling. Rows of samples outside the source are zero.

    Args:
        source_size: Number of samples along the source axis.
        source_spacing_mm: Their distance; sample 0 is at 0 mm.
        target_size: Number of samples to compute.
        target_spacing_mm: Their distance.
        target_start_mm: Position of target sample 0.
    """
    source_mm = np.arange(source_size) * source_spacing_mm
    target_mm = target_start_mm + np.arange(target_size) * target_spacing_mm
    width_mm = max(source_spacing_mm, target_spacing_mm)
    weights = np.clip(1.0 - np.abs(target_mm[:, None] - source_mm[None, :]) / width_mm, 0.0, None)
    margin_mm = source_spacing_mm / 2
    inside = (target_mm >= -margin_mm) & (target_mm <= source_mm[-1] + margin_mm)
    weights *= inside[:, None] / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    return weights.astype(np.float32)
