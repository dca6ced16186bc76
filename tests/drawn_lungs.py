"""Two lungs drawn by hand on the network's grid, as a network gives them, and what cleaning makes of them."""

from __future__ import annotations

import numpy as np

from LungUNetSegLib.segmentation import cleaning as cleaning_module
from LungUNetSegLib.segmentation.cleaning import Cleaning
from LungUNetSegLib.segmentation.probabilities import Probabilities, hard_labels

SPACING_MM = (5.0, 3.0, 3.0)
VOXEL_ML = 0.045
RIGHT, LEFT = 0, 1


def two_lungs(depth: int = 12) -> np.ndarray:
    """Two lungs of 20 x 14 pixels in 12 slices of 40 x 60, right and left of the middle; certain everywhere."""
    probabilities = np.zeros((depth, 2, 40, 60), np.uint8)
    probabilities[1:-1, RIGHT, 10:30, 10:24] = 255
    probabilities[1:-1, LEFT, 10:30, 36:50] = 255
    return probabilities


def clean(probabilities: np.ndarray, spacing_mm: tuple[float, float, float]) -> tuple[Probabilities, Cleaning]:
    """Clean aerated lungs that lie in a body without air around it."""
    hu = np.where(probabilities.any(axis=1), -800, 0).astype(np.int16)
    result = probabilities.copy()
    cleaning = cleaning_module.clean(result, hu, spacing_mm)
    return result, cleaning


def sides(probabilities: np.ndarray) -> np.ndarray:
    """Return the labels of cleaned probabilities."""
    return hard_labels(clean(probabilities, SPACING_MM)[0])
