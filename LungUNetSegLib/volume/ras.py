"""Defines the matrices between this library's space and axes, LPS mm, and those of Slicer and NIfTI, RAS mm."""

from __future__ import annotations

import numpy as np

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""4x4; its own inverse."""

REVERSE_AXES = np.eye(4)[[2, 1, 0, 3]]
"""4x4, (column, row, slice), which Slicer calls (i, j, k), to (slice, row, column), and back."""
