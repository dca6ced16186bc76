"""Candidates for nodules: small pictures of a slice around something round in a lung, with its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, map_coordinates

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.phog import phog_features
from LungUNetSegLib.nodules.texture import LEVELS, glcm_features, lbp_features

Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

PIXELS = 64
PIXEL_MM = 0.6
"""Of a candidate's picture: 38 mm wide."""

WINDOW_HU = (-1000.0, 400.0)
"""What becomes 0 and 255."""

RIM = 2
"""By so many pixels the mask is widened for texture, so that the nodule's edge counts too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """One candidate.

    Attributes:
        case: Of the scan.
        patient: Candidates of one patient stay in one fold.
        kind: What it is, in words: "solid", "vessel", ...
        is_nodule: What a classifier should say.
        hu: (64, 64) of 0.6 mm pixels.
        mask: (64, 64); what the candidate is.
    """

    case: str
    patient: str
    kind: str
    is_nodule: bool
    hu: Float32
    mask: Mask


def check_mask(mask: Mask, lung: Mask, name: str) -> None:
    """Refuse a nodule that cannot be one.

    Args:
        mask: (H, W) of the nodule.
        lung: (H, W) of the slice's lungs.
        name: For the message.

    Raises:
        DataError: The mask is empty, of another size than the lung's, or larger than it.
    """
    if mask.shape != lung.shape:
        raise DataError(f"{name}: the nodule's mask is {mask.shape}, the lung's {lung.shape}; both are of one slice.")
    if not mask.any():
        raise DataError(f"{name}: the nodule's mask is empty; leave the candidate out or draw it.")
    if np.count_nonzero(mask) > np.count_nonzero(lung):
        raise DataError(
            f"{name}: the nodule ({np.count_nonzero(mask)} pixels) is larger than the slice's lung "
            f"({np.count_nonzero(lung)}); are the masks exchanged?"
        )


def cut_out(plane: npt.NDArray[np.generic], spacing_mm: tuple[float, float], row: float, column: float) -> Float32:
    """Return the picture around a place of a slice, interpolated linearly; beyond the slice its edge goes on.

    Args:
        plane: (H, W) HU, or a mask, whose values then lie between 0 and 1.
        spacing_mm: (row, column).
        row: Of the middle, in pixels; not always a whole number.
        column: Likewise.
    """
    offsets_mm = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PIXEL_MM
    places = np.meshgrid(row + offsets_mm / spacing_mm[0], column + offsets_mm / spacing_mm[1], indexing="ij")
    picture: Float32 = map_coordinates(plane.astype(np.float32), places, order=1, mode="nearest").astype(np.float32)
    return picture


def grey(hu: Float32) -> npt.NDArray[np.uint8]:
    """Return 8 bits: -1000 HU as 0, 400 HU as 255."""
    low, high = WINDOW_HU
    return np.rint((hu.clip(low, high) - low) / (high - low) * 255).astype(np.uint8)


def hand_made_features(candidate: Candidate) -> dict[str, npt.NDArray[np.float64]]:
    """Return a candidate's GLCM (25), LBP (236) and PHOG (255) features by these names.

    Raises:
        DataError: Its mask is empty, or a single pixel.
    """
    image = grey(candidate.hu)
    mask = binary_dilation(candidate.mask, iterations=RIM) if candidate.mask.any() else candidate.mask
    if not mask.any():
        raise DataError(f"{candidate.case}: the nodule's mask is empty; leave the candidate out or draw it.")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return {
        "GLCM": glcm_features((image.astype(int) * LEVELS // 256).astype(np.uint8), mask),
        "LBP": lbp_features(image, mask),
        "PHOG": phog_features(box),
    }
