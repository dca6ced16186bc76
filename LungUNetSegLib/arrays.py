"""Defines names for the kinds of arrays that functions of several packages take and return."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
"""Whether each voxel, pixel or point belongs to something, such as a lung."""

Labels = npt.NDArray[np.uint8]
"""The label of each voxel or pixel, 0 for the background; `segments` has the lungs' labels."""

Float32 = npt.NDArray[np.float32]
"""Single precision: what networks take and give."""

FloatArray = npt.NDArray[np.float64]
"""Double precision: affines, positions, distances."""
