"""Computes texture features: 25 from grey level co-occurrences, 236 from local binary patterns.

From memory of Khan 2021 (doi:10.3390/diagnostics11122208): the numbers of features, 25, and 59 for each of four radii.
Which 25, the angles, levels and the kind of pattern are our reconstruction. Both are computed with scikit-image.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.packages import load_package

Image = npt.NDArray[np.uint8]

LEVELS = 32
ANGLES_DEGREES = (0, 45, 90, 135)
"""Directions to the neighbour on the right, at the lower right, below, and at the lower left, as in scikit-image."""

NEIGHBOURS = 8
RADII = (1, 2, 3, 4)
PATTERNS = 59
"""58 uniform patterns, with at most two changes between darker and not darker on the circle, and one for all others."""


def glcm_features(
    image: Image, mask: Mask, levels: int = LEVELS, angles_degrees: tuple[int, ...] = ANGLES_DEGREES
) -> dict[str, float]:
    """Return 25 features of pairs of neighbours within a mask, averaged over the angles, by their names.

    Some are equal under two names, such as the difference average and the dissimilarity. The distance is 1; each pair
    counts in both directions; levels are counted from 1, as by Haralick (doi:10.1109/TSMC.1973.4309314). An angle
    without a pair in the mask is left out.

    Args:
        image: (H, W), levels 0 to `levels` - 1.
        mask: (H, W).
        levels: Number of grey levels.
        angles_degrees: Directions of the pairs.

    Raises:
        DataError: No two neighbours lie in the mask, or a grey value is not below `levels`.
    """
    feature = load_package("skimage.feature", "scikit-image")
    if image.max(initial=0) >= levels:
        raise DataError(f"The image contains the grey level {image.max()}; grey levels must be below {levels}.")
    # Level 0 marks pixels outside the mask; its row and column are removed.
    shifted = np.where(mask, image + 1, 0).astype(np.uint16)
    angles = np.deg2rad(angles_degrees)
    counts = feature.graycomatrix(shifted, [1], angles, levels=levels + 1, symmetric=True)[1:, 1:, 0, :].astype(float)
    found = [_of_matrix(counts[..., number]) for number in range(len(angles)) if counts[..., number].sum()]
    if not found:
        raise DataError("The nodule's mask has no two neighbouring pixels; it is too small to have a texture.")
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


def _of_matrix(counts: FloatArray) -> dict[str, float]:
    """Return the features of the (levels, levels) counts of one angle."""
    p = counts / counts.sum()
    size = len(p)
    level = np.arange(1, size + 1, dtype=float)
    i, j = level[:, None], level[None, :]
    apart = np.abs(i - j)
    margin = p.sum(axis=1)  # the same for rows and columns, as the matrix is symmetric
    mean = float(margin @ level)
    variance = float(margin @ (level - mean) ** 2)
    tendency, shade, prominence = (float((p * (i + j - 2 * mean) ** power).sum()) for power in (2, 3, 4))
    sums: FloatArray = np.bincount((i + j).astype(int).ravel(), p.ravel(), 2 * size + 1).astype(np.float64)
    differences: FloatArray = np.bincount(apart.astype(int).ravel(), p.ravel(), size).astype(np.float64)
    sum_levels, difference_levels = np.arange(len(sums)), np.arange(size)
    sum_average = float(sums @ sum_levels)
    difference_average = float(differences @ difference_levels)
    asm = float((p**2).sum())
    first_information, second_information = _information(p, margin)
    return {
        "contrast": float((p * apart**2).sum()),
        "dissimilarity": difference_average,
        "homogeneity": float((p / (1 + apart**2)).sum()),
        "inverse difference": float((p / (1 + apart)).sum()),
        "ASM": asm,
        "energy": asm**0.5,
        "entropy": _entropy(p),
        "maximum": float(p.max()),
        # The correlation of a constant image is defined as 1, as in other packages.
        "correlation": float((p * (i - mean) * (j - mean)).sum()) / variance if variance > 1e-12 else 1.0,
        "autocorrelation": float((p * (i * j)).sum()),
        "cluster tendency": tendency,
        "cluster shade": shade,
        "cluster prominence": prominence,
        "variance": variance,
        "joint mean": mean,
        "sum average": sum_average,
        "sum variance": float(sums @ (sum_levels - sum_average) ** 2),
        "sum entropy": _entropy(sums),
        "difference average": difference_average,
        "difference variance": float(differences @ (difference_levels - difference_average) ** 2),
        "difference entropy": _entropy(differences),
        "information of correlation 1": first_information,
        "information of correlation 2": second_information,
        "normalised inverse difference": float((p / (1 + apart / size)).sum()),
        "normalised inverse difference moment": float((p / (1 + apart**2 / size**2)).sum()),
    }


def _information(p: FloatArray, margin: FloatArray) -> tuple[float, float]:
    """Return the two measures of correlation by information (Haralick 1973, f12 and f13)."""
    joint, own = _entropy(p), _entropy(margin)
    both = np.outer(margin, margin)
    crossed, independent = -float((p * _log(both)).sum()), _entropy(both)
    first = (joint - crossed) / own if own > 1e-12 else 0.0
    return first, float(np.sqrt(max(0.0, 1 - np.exp(-2 * (independent - joint)))))


def _entropy(p: FloatArray) -> float:
    return -float((p * _log(p)).sum())


def _log(p: FloatArray) -> FloatArray:
    """Return the natural logarithm, and 0 for 0, where p log p is 0."""
    return np.log(np.where(p > 0, p, 1.0))


def lbp_features(image: Image, mask: Mask, radii: tuple[int, ...] = RADII) -> FloatArray:
    """Return the share of a mask's pixels with each of the 59 patterns, for one radius after the other.

    A pattern records which of 8 interpolated points on a circle are not darker than its centre. The image is mirrored
    at its border, where scikit-image would assume black.

    Args:
        image: (H, W), 8 bits.
        mask: (H, W).
        radii: Radii of the circles, in pixels.

    Raises:
        DataError: The mask is empty.
    """
    feature = load_package("skimage.feature", "scikit-image")
    if not mask.any():
        raise DataError("The nodule's mask is empty.")
    margin = max(radii) + 1
    padded = np.pad(image, margin, mode="symmetric")
    histograms = []
    for radius in radii:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            patterns = feature.local_binary_pattern(padded, NEIGHBOURS, radius, method="nri_uniform")
        inner = patterns[margin:-margin, margin:-margin].astype(int)
        histograms.append(np.bincount(inner[mask], minlength=PATTERNS) / np.count_nonzero(mask))
    return np.concatenate(histograms)
