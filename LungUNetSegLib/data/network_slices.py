"""Resamples a labelled scan to the network's grid a few slices at a time, so that only these are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.cases.reading import LabelledScan
from LungUNetSegLib.preprocessing import PreprocessConfig, chunks, place_grid
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import AIR_HU, Volume
from LungUNetSegLib.volume.memory import let_go, new_voxels, planes_of
from LungUNetSegLib.volume.resample import OBLIQUE_DEGREES, align

HuSlices = npt.NDArray[np.int16]
"""(n, h, w) HU."""

TargetSlices = npt.NDArray[np.uint8]
"""(n, 3, h, w); the fraction of each pixel that is right lung and left lung (255 = all of it), and 255 where the reader
could decide, 0 where not."""


def network_slices(pair: LabelledScan, config: PreprocessConfig) -> tuple[int, Iterator[tuple[HuSlices, TargetSlices]]]:
    """Return how many slices a labelled scan has on the network's grid, and these, some at a time, in order."""
    aligned, grid = place_grid(pair.ct, config)
    lungs = [_aligned_mask(pair.labels, value) for value in (RIGHT_LUNG, LEFT_LUNG)]
    ignored = None if pair.ignore is None else _aligned_mask(pair.ignore, True)

    def sampled() -> Iterator[tuple[HuSlices, TargetSlices]]:
        for chunk in chunks(len(aligned.array)):
            hu = np.rint(grid.sample(aligned.array[chunk], AIR_HU)).astype(np.int16)
            target = np.full((len(hu), 3, *config.size), 255, np.uint8)
            for channel, lung in enumerate(lungs):
                target[:, channel] = np.rint(grid.sample(lung(chunk), 0.0) * 255).clip(0, 255)
            if ignored is not None:
                target[:, 2][grid.sample(ignored(chunk), 0.0) > 0] = 0
            for volume in (aligned, pair.labels, pair.ignore):
                if volume is not None:
                    let_go(volume.array)
            yield hu, target

    return len(aligned.array), sampled()


def preprocess(pair: LabelledScan, config: PreprocessConfig) -> tuple[HuSlices, TargetSlices]:
    """Return all of a labelled scan's slices on the network's grid."""
    _, parts = network_slices(pair, config)
    hu, target = zip(*parts, strict=True)
    return np.concatenate(hu), np.concatenate(target)


def _aligned_mask(labels: Volume, value: int) -> Callable[[slice], npt.NDArray[np.generic]]:
    """Return what gives some slices of one label on the aligned grid; only an oblique scan's are all made at once."""
    if labels.geometry.obliquity_degrees > OBLIQUE_DEGREES:
        is_value = new_voxels(labels.array.shape, np.uint8)
        for plane, found in zip(planes_of(labels.array), planes_of(is_value), strict=True):
            np.equal(plane, value, out=found, casting="unsafe")
        fractions = align(Volume(is_value, labels.geometry), 0.0, np.float32).array

        def some(chunk: slice) -> npt.NDArray[np.generic]:
            found = np.array(fractions[chunk])
            let_go(fractions)
            return found

        return some
    straight = labels.canonical().array
    return lambda chunk: np.asarray(straight[chunk] == value)
