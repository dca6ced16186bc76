"""Draws a plane of a CT in grey at another size, as indices into a palette that begins with the greys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.evaluation.report.pictures import WINDOW_HU, Colour, Plane

GREYS = 64
"""Number of greys; further colours of a palette come after them."""

Value = TypeVar("Value", bound=np.generic)

Places = tuple[FloatArray, FloatArray]
"""Where the pixels of a picture lie in a plane: fractional rows and columns."""


def greys() -> list[Colour]:
    """Return the first colours of a palette, from black to white."""
    return [(level, level, level, 255) for level in np.linspace(0, 255, GREYS).astype(int).tolist()]


def pixel_places(shape: Sequence[int], size: Sequence[int]) -> Places:
    """Return where the centres of a picture's pixels lie in the plane that it shows.

    Args:
        shape: Rows and columns of the plane.
        size: Height and width of the picture.
    """
    rows, columns = ((np.arange(count) + 0.5) * n / count - 0.5 for count, n in zip(size, shape, strict=True))
    return rows, columns


def grey_at(hu: npt.NDArray[np.int16], places: Places) -> Plane:
    """Return a plane in a CT's lung window, as indices of greys; voxels between pixels are interpolated."""
    low, high = WINDOW_HU
    smooth = ndimage.map_coordinates(
        hu.astype(np.float32), np.meshgrid(*places, indexing="ij"), order=1, mode="nearest"
    )
    grey: Plane = np.rint((np.clip(smooth, low, high) - low) * ((GREYS - 1) / (high - low))).astype(np.uint8)
    return grey


def nearest_at(plane: npt.NDArray[Value], places: Places) -> npt.NDArray[Value]:
    """Return the values, such as labels, of the voxels nearest to a picture's pixels."""
    near: npt.NDArray[Value] = plane[np.ix_(*(np.rint(each).astype(int).clip(0) for each in places))]
    return near
