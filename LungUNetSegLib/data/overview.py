"""Reduces a whole case to large pixels, for drawing views and for the coarse view."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.preprocessing.coarse import reduce_planes

REDUCED_MM = 6.0
"""Pixel size for drawing views, if no coarse view defines another."""


@dataclass(frozen=True, eq=False)
class Overview:
    """A whole case in large pixels.

    Attributes:
        hu: (D, a, b) HU.
        lungs: (D, 2, a, b) fractions of right and left lung.
        slice_mm: Distance of slices.
        pixel_mm: Size of pixels.
        factor: Side of a pixel in the network's pixels.
        lung_mm: For each lung, (n, 3) positions of its voxels.
    """

    hu: Tensor
    lungs: Tensor
    slice_mm: float
    pixel_mm: float
    factor: int
    lung_mm: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        scale = np.array((self.slice_mm, self.pixel_mm, self.pixel_mm))
        where = [torch.nonzero(self.lungs[:, channel] > 0.5).numpy() for channel in (0, 1)]
        object.__setattr__(self, "lung_mm", tuple((each + np.array((0.0, 0.5, 0.5))) * scale for each in where))

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel."""
        return self.slice_mm * self.pixel_mm**2 / 1000


def overview(case: CachedCase, config: PreprocessConfig) -> Overview:
    """Return the overview of a cached case."""
    factor = config.coarse_factor or max(1, round(REDUCED_MM / config.spacing_mm))
    hu, lungs = [], []
    for number in range(len(case.hu)):
        hu.append(reduce_planes(case.hu[number], factor))
        lungs.append(reduce_planes(case.target[number][:2], factor) / np.float32(255))
    stacked = torch.from_numpy(np.stack(hu)), torch.from_numpy(np.stack(lungs))
    return Overview(*stacked, case.slice_mm, factor * config.spacing_mm, factor)
