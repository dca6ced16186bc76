"""Makes the coarse view of a whole scan, and resamples the coarse network's result for the slice network.

From one or three slices a liver under a lung cannot be distinguished from an opaque lung. So a small 3D network
segments the whole scan first, at `PreprocessConfig.coarse_mm`, and the slice network gets its two probabilities as two
more channels. Training and inference share this file.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.preprocessing.config import PreprocessConfig
from LungUNetSegLib.preprocessing.interpolation import interpolation_matrix
from LungUNetSegLib.preprocessing.slices import neighbour_step
from LungUNetSegLib.volume import AIR_HU

if TYPE_CHECKING:
    from scipy import sparse

UNKNOWN = 0.5
"""The probability that the slice network gets without a coarse view: undecided between lung and background."""

SIZE_MULTIPLE = 8
"""The coarse network's volumes are padded with air to a multiple of this along the patient's length."""


def has_coarse_view(depth: int, slice_mm: float, config: PreprocessConfig) -> bool:
    """Whether a scan of `depth` slices has a coarse view; single slices, and slices without neighbours, have none."""
    return bool(config.coarse_mm) and depth > 1 and neighbour_step(slice_mm, config) > 0


def reduce_planes(planes: npt.NDArray[np.generic], factor: int) -> Float32:
    """Average (..., h, w) integers on the network's grid over blocks of `factor` x `factor` pixels.

    Incomplete blocks at the end of rows and columns are left out.
    """
    rows, columns = (size // factor * factor for size in planes.shape[-2:])
    values = planes[..., :rows, :columns].astype(np.float32)  # sums of some pixels' HU are exact in it
    # Five times as fast as NumPy's mean over two axes.
    flat = reduce(np.add, (values[..., row::factor, :] for row in range(factor)))
    mean: Float32 = reduce(np.add, (flat[..., column::factor] for column in range(factor))) / np.float32(factor**2)
    return mean


def coarse_depth(depth: int, slice_mm: float, coarse_mm: float) -> int:
    """Return the number of slices of a scan's coarse view."""
    return max(1, round(depth * slice_mm / coarse_mm))


def coarsen_slices(reduced: npt.NDArray[np.generic], slice_mm: float, config: PreprocessConfig) -> Float32:
    """Resample (D, ...) reduced slices, from feet to head, to the (d, ...) slices of the coarse view."""
    depth = len(reduced)
    count = coarse_depth(depth, slice_mm, config.coarse_mm)
    start_mm = _first_mm(depth, slice_mm, count, config.coarse_mm)
    weights = interpolation_matrix(depth, slice_mm, count, config.coarse_mm, start_mm)
    flat = weights @ np.ascontiguousarray(reduced, np.float32).reshape(depth, -1)
    return np.asarray(flat.reshape(count, *reduced.shape[1:]), np.float32)


def pad_depth(view: Float32) -> Float32:
    """Pad a (d, a, b) coarse view in HU with air above the head to a multiple of `SIZE_MULTIPLE` slices."""
    missing = -len(view) % SIZE_MULTIPLE
    return np.pad(view, ((0, missing), (0, 0), (0, 0)), constant_values=AIR_HU)


def bring_to_slices(
    coarse: Float32 | npt.NDArray[np.uint8],
    numbers: npt.NDArray[np.int64],
    depth: int,
    slice_mm: float,
    config: PreprocessConfig,
) -> Float32:
    """Interpolate the coarse network's probabilities at slices of the scan.

    Args:
        coarse: (2, d, a, b) probabilities of right and left lung on any scale, at least as deep as the scan's coarse
            view.
        numbers: (n,) numbers of the wanted slices.
        depth: Number of slices of the scan.
        slice_mm: Distance of the slices.
        config: Settings of both grids.

    Returns:
        (n, 2, h, w) probabilities on the network's grid, on the scale of `coarse`.
    """
    count = coarse_depth(depth, slice_mm, config.coarse_mm)
    first_mm = _first_mm(depth, slice_mm, count, config.coarse_mm)
    positions = ((numbers * slice_mm - first_mm) / config.coarse_mm).clip(0, count - 1)
    below = np.floor(positions).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    share = (positions - below).astype(np.float32)[None, :, None, None]
    planes = (coarse[:, below] * (1 - share) + coarse[:, above] * share).transpose(1, 0, 2, 3)
    rows, columns = (_enlarging(size // config.coarse_factor, size) for size in config.size)
    result = np.empty((len(numbers), 2, *config.size), np.float32)
    for index in np.ndindex(result.shape[:2]):
        result[index] = rows @ planes[index] @ columns.T
    return result


def coarse_at_slices(
    coarse: Float32 | None, numbers: npt.NDArray[np.int64], depth: int, slice_mm: float, config: PreprocessConfig
) -> Float32:
    """Return the result of `bring_to_slices`; without a coarse view (`coarse` is None), all values are `UNKNOWN`."""
    if coarse is None:
        return np.full((len(numbers), 2, *config.size), UNKNOWN, np.float32)
    return bring_to_slices(coarse, numbers, depth, slice_mm, config)


def as_channels(probabilities: npt.NDArray[np.floating]) -> Float32:
    """Map probabilities to [-1, 1], the range of the network's other channels; `UNKNOWN` becomes 0."""
    return np.asarray(probabilities * 2 - 1, np.float32)


def _first_mm(depth: int, slice_mm: float, count: int, coarse_mm: float) -> float:
    """Return the position of the first of `count` coarse slices from the scan's first: both stacks are centred."""
    return ((depth - 1) * slice_mm - (count - 1) * coarse_mm) / 2


@lru_cache(maxsize=8)
def _enlarging(small: int, large: int) -> sparse.csr_array:
    """Return the (large, small) matrix of linear interpolation between the centres of blocks; edges are repeated.

    It is sparse, as the threads of a dense product wait for each other: 30 times slower where others use the cores.
    """
    from scipy import sparse  # takes 0.1 s to import, and a plan of a batch needs none

    positions = ((np.arange(large) + 0.5) * small / large - 0.5).clip(0, small - 1)
    weights = np.maximum(1 - np.abs(positions[:, None] - np.arange(small)[None]), 0)
    return sparse.csr_array(weights.astype(np.float32))
