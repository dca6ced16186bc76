"""Computes PHOG, a pyramid of histograms of oriented gradients (Bosch 2007, doi:10.1145/1282280.1282340).

From memory: Khan 2021 uses PHOG with several numbers of bins. The values here are our reconstruction: edges by Canny,
directions from 0 to 360 degrees, cells of the whole picture, its halves, quarters and eighths.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.nodules.packages import load_package

BINS = 3
LEVELS = 4


def phog_features(image: npt.NDArray[np.uint8]) -> FloatArray:
    """Return the pyramid of an image's edges: `BINS` x (4^`LEVELS` - 1) / 3 numbers that sum to 1; 0 without an edge.

    Args:
        image: (H, W), 8 bits; the box around the nodule.
    """
    feature = load_package("skimage.feature", "scikit-image")
    values = image.astype(float)
    edges = feature.canny(values / 255.0)
    along_rows, along_columns = np.gradient(values)
    return phog_of_edges(edges, np.hypot(along_rows, along_columns), np.arctan2(along_rows, along_columns))


def phog_of_edges(
    edges: npt.NDArray[np.bool_], strength: FloatArray, direction: FloatArray, bins: int = BINS, levels: int = LEVELS
) -> FloatArray:
    """Return the pyramid of given edges.

    Args:
        edges: (H, W) pixels on edges.
        strength: (H, W) magnitude of the gradient, the weight of an edge pixel.
        direction: (H, W) direction of the gradient in radians.
        bins: Number of bins of 360 degrees; the first begins at 0.
        levels: Number of levels of the pyramid; the last has 2^(levels - 1) cells along each side.
    """
    rows, columns = np.nonzero(edges)
    turns = (direction[edges] / (2 * np.pi)) % 1.0
    of_bin = np.minimum((turns * bins).astype(int), bins - 1)
    parts = []
    for level in range(levels):
        cells = 2**level
        cell = rows * cells // edges.shape[0] * cells + columns * cells // edges.shape[1]
        parts.append(np.bincount(cell * bins + of_bin, strength[edges], cells**2 * bins))
    pyramid: FloatArray = np.concatenate(parts).astype(np.float64)
    total = pyramid.sum()
    return pyramid / total if total > 0 else pyramid
