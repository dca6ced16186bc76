"""Counts the voxels of a part of the lungs at each HU; all density numbers are computed from such counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many voxels have which HU.

    Attributes:
        low_hu: The HU of the first count.
        counts: (N,) int64, voxels at ``low_hu``, ``low_hu + 1``, ...
        voxel_ml: Volume of one voxel.
    """

    low_hu: int
    counts: npt.NDArray[np.int64]
    voxel_ml: float

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return int(self.counts.sum())

    @property
    def volume_ml(self) -> float:
        """Volume of all voxels."""
        return self.voxels * self.voxel_ml

    @property
    def hu(self) -> npt.NDArray[np.int64]:
        """(N,) the HU of each count."""
        return np.arange(self.low_hu, self.low_hu + len(self.counts))

    @property
    def mean_hu(self) -> float:
        """Mean HU; the histogram must not be empty."""
        return float((self.counts * self.hu).sum() / self.voxels)

    @property
    def lowest_hu(self) -> int:
        """The lowest HU of a voxel; the histogram must not be empty."""
        return self.low_hu + int(np.flatnonzero(self.counts)[0])

    def within(self, low_hu: int | None = None, below_hu: int | None = None) -> Histogram:
        """Return the counts of the voxels with ``low_hu <= HU < below_hu``; None for no limit."""
        start = 0 if low_hu is None else min(max(low_hu - self.low_hu, 0), len(self.counts))
        stop = len(self.counts) if below_hu is None else max(below_hu - self.low_hu, start)
        return Histogram(self.low_hu + start, self.counts[start:stop], self.voxel_ml)

    def percent(self, low_hu: int | None = None, below_hu: int | None = None) -> float:
        """Return the share in % of the voxels with ``low_hu <= HU < below_hu``; the histogram must not be empty."""
        return 100 * self.within(low_hu, below_hu).voxels / self.voxels

    def percentile_hu(self, percent: float) -> float:
        """Return a percentile of the voxels' HU as `numpy.percentile` defines it, linear between two voxels."""
        place = (self.voxels - 1) * percent / 100
        first = int(place)
        reached = np.cumsum(self.counts)
        lower, upper = np.searchsorted(reached, (first, min(first + 1, self.voxels - 1)), side="right")
        return float(self.low_hu + lower + (place - first) * (upper - lower))

    def moments(self) -> tuple[float, float, float]:
        """Return standard deviation in HU, skewness and excess kurtosis, all of the population (not of a sample).

        Skewness is the mean cube of the deviations over the cubed standard deviation, kurtosis the mean fourth power
        over the fourth power of the standard deviation, less 3; both are NaN where all voxels are equal.
        """
        deviations = self.hu - self.mean_hu
        second, third, fourth = (float((self.counts * deviations**n).sum() / self.voxels) for n in (2, 3, 4))
        if np.count_nonzero(self.counts) < 2:
            return 0.0, float("nan"), float("nan")
        return second**0.5, third / second**1.5, fourth / second**2 - 3

    def __add__(self, other: Histogram) -> Histogram:
        """Return the counts of both histograms, whose voxels must have the same size."""
        low = min(self.low_hu, other.low_hu)
        high = max(self.low_hu + len(self.counts), other.low_hu + len(other.counts))
        counts = np.zeros(high - low, np.int64)
        for each in (self, other):
            counts[each.low_hu - low : each.low_hu - low + len(each.counts)] += each.counts
        return Histogram(low, counts, self.voxel_ml)
