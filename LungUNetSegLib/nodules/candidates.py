"""Describes candidates for nodules: a small picture around a structure in a lung, its mask, and its features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, map_coordinates

from LungUNetSegLib.arrays import Float32, Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.phog import phog_features
from LungUNetSegLib.nodules.texture import LEVELS, glcm_features, lbp_features

PIXELS = 64
PIXEL_MM = 0.6
"""Size and pixel size of a candidate's picture, which is 38 mm wide."""

WINDOW_HU = (-1000.0, 400.0)
"""The HU that become the grey values 0 and 255."""

RIM = 2
"""The mask is dilated by this many pixels for texture, so that it includes the nodule's edge."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A candidate for a nodule.

    Attributes:
        case: Id of its case.
        patient: Its patient; all candidates of a patient are in one fold.
        kind: Its kind, such as "solid" or "vessel".
        is_nodule: Its true class.
        hu: (64, 64) HU, pixels of 0.6 mm.
        mask: (64, 64) the candidate's pixels.
    """

    case: str
    patient: str
    kind: str
    is_nodule: bool
    hu: Float32
    mask: Mask


def check_mask(mask: Mask, lung: Mask, name: str) -> None:
    """Refuse a mask that cannot be a nodule's.

    Args:
        mask: (H, W) of the nodule.
        lung: (H, W) of the slice's lungs.
        name: Name of the candidate, for the message.

    Raises:
        DataError: The mask is empty, has another shape than the lung's, or is larger than the lung.
    """
    if mask.shape != lung.shape:
        shapes = f"{mask.shape} and {lung.shape}"
        raise DataError(f"{name}: the masks of nodule and lung have different shapes, {shapes}; take one slice's.")
    if not mask.any():
        raise DataError(f"{name}: the nodule's mask is empty; leave the candidate out or draw it.")
    if np.count_nonzero(mask) > np.count_nonzero(lung):
        raise DataError(
            f"{name}: the nodule ({np.count_nonzero(mask)} pixels) is larger than the slice's lung "
            f"({np.count_nonzero(lung)}); are the masks swapped?"
        )


def cut_out(plane: npt.NDArray[np.generic], spacing_mm: tuple[float, float], row: float, column: float) -> Float32:
    """Return the picture around a position of a slice, interpolated linearly; edge values continue beyond the slice.

    Args:
        plane: (H, W) HU, or a mask, whose values then lie between 0 and 1.
        spacing_mm: (row, column).
        row: Row of the centre in pixels, not necessarily an integer.
        column: Column of the centre, likewise.
    """
    offsets_mm = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PIXEL_MM
    places = np.meshgrid(row + offsets_mm / spacing_mm[0], column + offsets_mm / spacing_mm[1], indexing="ij")
    picture: Float32 = map_coordinates(plane.astype(np.float32), places, order=1, mode="nearest").astype(np.float32)
    return picture


def grey(hu: Float32) -> npt.NDArray[np.uint8]:
    """Return 8-bit grey values: 0 for -1000 HU, 255 for 400 HU."""
    low, high = WINDOW_HU
    return np.rint((hu.clip(low, high) - low) / (high - low) * 255).astype(np.uint8)


def hand_made_features(candidate: Candidate) -> dict[str, npt.NDArray[np.float64]]:
    """Return a candidate's features by name: GLCM (25), LBP (236) and PHOG (255).

    Raises:
        DataError: The mask is empty, or a single pixel.
    """
    image = grey(candidate.hu)
    mask = binary_dilation(candidate.mask, iterations=RIM) if candidate.mask.any() else candidate.mask
    if not mask.any():
        raise DataError(f"{candidate.case}: the nodule's mask is empty; leave the candidate out or draw it.")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    glcm = glcm_features((image.astype(int) * LEVELS // 256).astype(np.uint8), mask)
    return {
        "GLCM": np.array(list(glcm.values())),
        "LBP": lbp_features(image, mask),
        "PHOG": phog_features(box),
    }
