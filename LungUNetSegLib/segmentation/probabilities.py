"""Defines probabilities of right and left lung on the network's grid, stored as bytes, and their labels."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.preprocessing.coarse import reduce_planes
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import SliceBox, bounding_box_of_planes

Probabilities = npt.NDArray[np.uint8]
"""(D, 2, h, w), 0 to 255; channel 0 is the patient's right lung, channel 1 the left."""


class Slices(Protocol):
    """HU of the slices that the network saw: an array (D, h, w), or something that samples each when it is asked."""

    def __getitem__(self, number: int, /) -> npt.NDArray[np.int16]:
        """Return one slice, (h, w)."""
        ...


HALF = np.uint8(128)
"""The smallest value on the scale of 0 to 255 that means a probability of one half or more."""


def hard_labels(probabilities: npt.NDArray[Any], threshold: float | np.uint8 = HALF) -> Labels:
    """Map (..., 2, h, w) probabilities to (..., h, w) labels: the larger one if at least `threshold`, else 0."""
    right, left = probabilities[..., 0, :, :], probabilities[..., 1, :, :]
    labels: Labels = 1 + (left > right).astype(np.uint8)
    labels *= np.maximum(right, left) >= threshold
    return labels


def side_shares(probability_map: Probabilities, factor: int) -> npt.NDArray[np.float32]:
    """Return (2, a, b), how much of each block of `factor` x `factor` pixels is right and left lung in a slice.

    Args:
        probability_map: (2, h, w), the slice's probabilities.
        factor: Incomplete blocks at the end of rows and columns are left out.
    """
    labels = hard_labels(probability_map)
    return reduce_planes(np.stack([labels == side for side in (RIGHT_LUNG, LEFT_LUNG)]), factor)


def lung_box(probabilities: Probabilities) -> SliceBox:
    """Return the smallest box (slices, rows, columns) with all probabilities of one half or more; of size 0 if none.

    Slice by slice, as all steps of cleaning: masks of a whole scan take a hundred MB, those of a slice stay in caches.
    """
    return bounding_box_of_planes((probability_map >= HALF).any(axis=0) for probability_map in probabilities)


def labels_of(probabilities: Probabilities) -> Labels:
    """Map (D, 2, h, w) probabilities to (D, h, w) labels as `hard_labels` does, slice by slice."""
    labels = np.empty((len(probabilities), *probabilities.shape[2:]), np.uint8)
    for plane, probability_map in zip(labels, probabilities, strict=True):
        plane[:] = hard_labels(probability_map)
    return labels
