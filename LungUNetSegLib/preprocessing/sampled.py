"""The slices of a scan on the network's grid, each sampled when it is asked for.

A thousand of them would take 130 MB, and of those that the network has seen only a few are looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.preprocessing.grid import NetworkGrid
from LungUNetSegLib.volume import AIR_HU


@dataclass(frozen=True, eq=False)
class SampledSlices:
    """(D, h, w) int16 HU; ``slices[number]`` samples a plane, (h, w).

    Attributes:
        aligned: (D, H, W) HU of the scan with axes (head, back, left).
        grid: The network's slices in it.
    """

    aligned: npt.NDArray[np.int16]
    grid: NetworkGrid

    @property
    def shape(self) -> tuple[int, int, int]:
        """(D, h, w)."""
        return len(self.aligned), *self.grid.config.size

    def __len__(self) -> int:
        """Return the number of slices."""
        return len(self.aligned)

    def __getitem__(self, number: int) -> npt.NDArray[np.int16]:
        """Return one plane, (h, w)."""
        (plane,) = self.grid.sample(self.aligned[number][None], AIR_HU)
        hu: npt.NDArray[np.int16] = np.rint(plane).astype(np.int16)
        return hu
