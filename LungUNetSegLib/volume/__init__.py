"""Scans and label maps in space: geometry, arrays on a grid, and (`resample`, with SimpleITK) resampling."""

from LungUNetSegLib.volume.geometry import ANGLE_TOLERANCE, CORNER_TOLERANCE_MM, GRID_TOLERANCE_MM, Geometry
from LungUNetSegLib.volume.memory import give_back, sparse_zeros
from LungUNetSegLib.volume.volume import (
    AIR_HU,
    BODY_HU,
    SliceBox,
    Volume,
    bounding_box,
    bounding_box_of_planes,
    to_hu,
)

__all__ = [
    "AIR_HU",
    "ANGLE_TOLERANCE",
    "BODY_HU",
    "CORNER_TOLERANCE_MM",
    "GRID_TOLERANCE_MM",
    "Geometry",
    "SliceBox",
    "Volume",
    "bounding_box",
    "bounding_box_of_planes",
    "give_back",
    "sparse_zeros",
    "to_hu",
]
