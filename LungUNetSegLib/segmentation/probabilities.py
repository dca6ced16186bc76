"""Defines probabilities of right and left lung on the network's grid, stored as bytes, and their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.uint8]
"""(D, 2, h, w), 0 to 255; channel 0 is the patient's right lung, channel 1 the left."""

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

HALF = np.uint8(128)
"""The smallest value on the scale of 0 to 255 that means a probability of one half or more."""


def hard_labels(probabilities: npt.NDArray[Any], threshold: float | np.uint8 = HALF) -> Labels:
    """Map (..., 2, h, w) probabilities to (..., h, w) labels: the larger one if at least `threshold`, else 0."""
    right, left = probabilities[..., 0, :, :], probabilities[..., 1, :, :]
    labels: Labels = 1 + (left > right).astype(np.uint8)
    labels *= np.maximum(right, left) >= threshold
    return labels
