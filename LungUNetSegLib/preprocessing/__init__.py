"""Prepares scans for the network, and resamples its output back to the scan.

Training and inference share this code, so that a network always gets the same kind of input.
"""

from LungUNetSegLib.preprocessing.config import PreprocessConfig
from LungUNetSegLib.preprocessing.grid import NetworkGrid, place_grid
from LungUNetSegLib.preprocessing.prepared import PreparedScan, prepare
from LungUNetSegLib.preprocessing.slices import (
    SLICES_AT_ONCE,
    chunks,
    nearest_step,
    neighbour_step,
    normalise,
    seen_with,
    slices_seen,
)

__all__ = [
    "SLICES_AT_ONCE",
    "NetworkGrid",
    "PreparedScan",
    "PreprocessConfig",
    "chunks",
    "nearest_step",
    "neighbour_step",
    "normalise",
    "place_grid",
    "prepare",
    "seen_with",
    "slices_seen",
]
