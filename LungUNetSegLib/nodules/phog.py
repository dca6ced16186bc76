"""Where a nodule's edges run: a pyramid of histograms of oriented gradients (Bosch 2007, doi:10.1145/1282280.1282340).

Of Khan 2021 it is remembered that PHOG is used, with several numbers of bins; the values are our reconstruction: edges
by Canny, directions from 0 to 360 degrees, cells of the whole and its halves, quarters and eighths.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.nodules.packages import load_package

FloatArray = npt.NDArray[np.float64]

BINS = 3
LEVELS = 4


def phog_features(image: npt.NDArray[np.uint8], bins: int = BINS, levels: int = LEVELS) -> FloatArray:
    """Return the pyramid of an image's edges: bins x (4^levels - 1) / 3 numbers of sum 1; zeros without an edge.

    Args:
        image: (H, W), 8 bits; the box around the nodule.
        bins: Of the directions.
        levels: Of the pyramid; the last has 2^(levels - 1) cells a side.
    """
    feature = load_package("skimage.feature", "scikit-image")
    values = image.astype(float)
    edges = feature.canny(values / 255.0)
    along_rows, along_columns = np.gradient(values)
    return phog_of_edges(
        edges, np.hypot(along_rows, along_columns), np.arctan2(along_rows, along_columns), bins, levels
    )


def phog_of_edges(
    edges: npt.NDArray[np.bool_], strength: FloatArray, direction: FloatArray, bins: int = BINS, levels: int = LEVELS
) -> FloatArray:
    """Return the pyramid of edges that are given.

    Args:
        edges: (H, W).
        strength: (H, W) of the gradient; what an edge's pixel weighs.
        direction: (H, W) in radians.
        bins: Of 360 degrees; the first begins at 0.
        levels: Of the pyramid.
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
