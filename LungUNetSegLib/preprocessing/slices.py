"""Chooses the neighbours that the network sees with each slice, the batch size, and normalises intensities."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.preprocessing.config import PreprocessConfig

SLICES_AT_ONCE = 8
"""Number of slices that are sampled and run together; it limits the memory and defines the progress steps."""


def chunks(depth: int) -> Iterator[slice]:
    """Yield the slices of a scan, `SLICES_AT_ONCE` at a time."""
    for start in range(0, depth, SLICES_AT_ONCE):
        yield slice(start, min(start + SLICES_AT_ONCE, depth))


def normalise(hu: npt.NDArray[np.generic], config: PreprocessConfig) -> npt.NDArray[np.float32]:
    """Map HU to [-1, 1] linearly over ``config.window_hu``, clipping values outside."""
    low, high = config.window_hu
    scaled = hu.astype(np.float32)
    scaled -= np.float32((low + high) / 2)
    scaled *= np.float32(2 / (high - low))
    return np.clip(scaled, -1, 1, out=scaled)


def slices_seen(depth: int, slice_mm: float, config: PreprocessConfig) -> npt.NDArray[np.int64]:
    """Return (depth, config.slices) numbers of the slices that the network sees for each slice of a scan.

    The order is towards the head. Beyond the scan's ends its last slice is repeated; slices that are further apart
    than twice `context_mm`, and a single slice, are shown alone, repeated as their own neighbours.
    """
    return seen_with(np.arange(depth), depth, neighbour_step(slice_mm, config), config)


def seen_with(numbers: npt.NDArray[np.int64], depth: int, step: int, config: PreprocessConfig) -> npt.NDArray[np.int64]:
    """Return (n, config.slices) slice numbers for n slices, with neighbours `step` slices away."""
    offsets = (-step, 0, step) if config.slices == 3 else (0,)
    return np.add.outer(numbers, offsets).clip(0, depth - 1)


def neighbour_step(slice_mm: float, config: PreprocessConfig) -> int:
    """Return the distance of the neighbours in slices."""
    return nearest_step(config.context_mm, slice_mm)


def nearest_step(distance_mm: float, spacing_mm: float) -> int:
    """Return a distance as a whole number of slices, or of pixels; a half rounds up."""
    return math.floor(distance_mm / spacing_mm + 0.5 + 1e-4)  # tolerates spacings rounded to float32 in files
