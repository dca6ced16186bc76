"""Defines the slices of a scan on the network's grid; each is sampled when it is read.

The network sees most slices three times, and several steps of cleaning look at them again. A thousand of them would
take 130 MB, so the latest are kept, as many as a chest has at 1 mm, until most steps are done.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.preprocessing.grid import NetworkGrid
from LungUNetSegLib.volume import AIR_HU, sparse_zeros

KEPT_BYTES = 40_000_000


@dataclass(eq=False)
class SampledSlices:
    """(D, h, w) int16 HU; ``slices[number]`` is a plane, (h, w), which cannot be written.

    Attributes:
        aligned: (D, H, W) HU of the scan with axes (head, back, left).
        grid: The network's slices in it.
    """

    aligned: npt.NDArray[np.int16]
    grid: NetworkGrid
    _kept: dict[int, npt.NDArray[np.int16]] = field(default_factory=dict)
    _keeps: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """(D, h, w)."""
        return len(self.aligned), *self.grid.config.size

    def __len__(self) -> int:
        """Return the number of slices."""
        return len(self.aligned)

    def __getitem__(self, number: int) -> npt.NDArray[np.int16]:
        """Return one plane, (h, w)."""
        if number in self._kept:
            return self._kept[number]
        (sampled,) = self.grid.sample(self.aligned[number][None], AIR_HU)
        # Pages of its own, which are given back when the slices are forgotten.
        plane = sparse_zeros((sampled.shape[0], 2 * sampled.shape[1])).view(np.int16)
        np.rint(sampled, out=plane, casting="unsafe")
        plane.flags.writeable = False
        if self._keeps:
            while self._kept and (len(self._kept) + 1) * plane.nbytes > KEPT_BYTES:
                del self._kept[next(iter(self._kept))]
            self._kept[number] = plane
        return plane

    def forget(self) -> None:
        """Free the memory of the slices that are kept, and keep no more: few are read later, most of them once."""
        self._kept.clear()
        self._keeps = False
