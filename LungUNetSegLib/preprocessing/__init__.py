"""From a scan to what the network sees, and the way back.

Training and use share this room, so that a network never sees in use what it did not see in training.
"""

from LungUNetSegLib.preprocessing.config import PreprocessConfig
from LungUNetSegLib.preprocessing.grid import BODY_HU, NetworkGrid, place_grid
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
    "BODY_HU",
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
