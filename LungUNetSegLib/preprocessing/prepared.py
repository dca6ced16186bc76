"""Prepares a scan as input of the network, and converts the network's output to labels on the scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Float32, Labels
from LungUNetSegLib.preprocessing.coarse import (
    as_channels,
    coarse_at_slices,
    coarsen_slices,
    has_coarse_view,
    pad_depth,
    reduce_planes,
)
from LungUNetSegLib.preprocessing.config import PreprocessConfig
from LungUNetSegLib.preprocessing.grid import NetworkGrid, place_grid
from LungUNetSegLib.preprocessing.sampled import SampledSlices
from LungUNetSegLib.preprocessing.slices import chunks, neighbour_step, normalise, seen_with
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.volume import Volume, give_back, sparse_zeros, to_hu
from LungUNetSegLib.volume.resample import is_oblique, resample

_HALF = 255 / 2


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """A scan prepared for the network.

    Attributes:
        volume: The scan itself, int16 HU.
        aligned: The same with axes (head, back, left).
        grid: The network's slices in it.
        hu: (D, h, w) int16; the slices on the network's grid.
    """

    volume: Volume
    aligned: Volume
    grid: NetworkGrid
    hu: SampledSlices

    def coarse_view(self) -> Float32 | None:
        """Return (d, a, b) normalised HU of the whole scan; None if it has no coarse view."""
        config, slice_mm = self.grid.config, self.aligned.geometry.spacing_mm[0]
        if not has_coarse_view(len(self.hu), slice_mm, config):
            return None
        reduced = [reduce_planes(self.hu[number], config.coarse_factor) for number in range(len(self.hu))]
        return normalise(pad_depth(coarsen_slices(np.stack(reduced), slice_mm, config)), config)

    def batches(
        self, numbers: npt.NDArray[np.int64], coarse: Float32 | None = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], Float32]]:
        """Yield the network's input for some slices, a few at a time.

        Args:
            numbers: Of the slices, rising.
            coarse: (2, d, a, b) probabilities of the coarse network for `coarse_view`, for models that have one.

        Yields:
            Some of the numbers, and the (n, `PreprocessConfig.channels`, h, w) input for these slices.
        """
        depth, config, slice_mm = len(self.hu), self.grid.config, self.aligned.geometry.spacing_mm[0]
        step = neighbour_step(slice_mm, config)
        for chunk in chunks(len(numbers)):
            some = numbers[chunk]
            seen = seen_with(some, depth, step, config)
            slices = np.empty((*seen.shape, *config.size), np.float32)
            for place, number in np.ndenumerate(seen):
                slices[place] = normalise(self.hu[int(number)], config)
            if config.coarse_mm:
                coarse_maps = coarse_at_slices(coarse, some, depth, slice_mm, config)
                slices = np.concatenate((slices, as_channels(coarse_maps)), axis=1)
            yield some, slices

    def restore(
        self,
        values: npt.NDArray[np.uint8],
        to_labels: Callable[[Float32], Labels],
        progress: Progress = silent,
    ) -> Volume:
        """Convert the network's output to labels on the scan's own grid, a few slices at a time.

        Args:
            values: (D, C, h, w), 0 to 255, on the network's grid. They are used up: of `sparse_zeros`, the memory of
                slices that are restored is given back, as the labels take about as much.
            to_labels: Makes (n, H, W) labels of (n, C, H, W) values, interpolated on the aligned scan's grid. It is
                called for a box with all values of one half of 255 and more, and a pixel of the network around them;
                beyond it the labels are 0.
            progress: Called with ("restore", slices done, slices to do).
        """
        result = Volume(sparse_zeros(self.grid.scan.shape), self.grid.scan)
        labels = np.zeros(self.grid.aligned.shape, np.uint8) if is_oblique(self.grid.scan) else result.canonical().array
        for chunk in chunks(len(labels)):
            planes = values[chunk]
            lungs: npt.NDArray[np.bool_] = np.asarray((planes > _HALF).any(axis=(0, 1)))
            if lungs.any():
                restored, rows, columns = self.grid.unsample(planes.reshape(-1, *lungs.shape), lungs)
                restored = restored.reshape(*planes.shape[:2], *restored.shape[1:])
                labels[chunk, rows, columns] = to_labels(restored)
            give_back(planes)
            progress("restore", chunk.stop, len(labels))
        return (
            resample(Volume(labels, self.grid.aligned), result.geometry, "nearest")
            if is_oblique(result.geometry)
            else result
        )


def prepare(volume: Volume, config: PreprocessConfig) -> PreparedScan:
    """Prepare a scan in HU, of any type, orientation and spacing, on the network's grid."""
    volume = volume if volume.array.dtype == np.int16 else Volume(to_hu(volume.array), volume.geometry)
    aligned, grid = place_grid(volume, config)
    return PreparedScan(volume, aligned, grid, SampledSlices(aligned.array, grid))
