#!/bin/sh
# highdicom 0.28.2's Volume.match_geometry does not crop a volume at its end: a mask of 10 slices matched to a CT that
# has the first 5 of them still has 10 afterwards, and one of 1 mm slices matched to slices of 2 mm from the same start
# stays at 1 mm. No error, no warning. It is right where something is also cut off at a start or an axis is flipped. The
# method promises the other's geometry or RuntimeError, and is what highdicom's manual advises before a Segmentation is
# made for a series. Expected: the other's shape. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check highdicom==0.28.2 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import highdicom
import numpy as np


def volume(slices, distance, start):
    """A mask in the patient's coordinates whose slices lie along the first axis, from `start` mm on."""
    return highdicom.Volume.from_components(
        np.ones((slices, 4, 4), dtype=np.uint8),
        spacing=[distance, 1, 1],
        position=[0, 0, start],
        direction=np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
        coordinate_system="PATIENT",
    )


print(f"highdicom {version('highdicom')}, pydicom {version('pydicom')}, numpy {np.__version__}")
mask = volume(10, 1, 0)
found = []
for name, other in (
    ("slices 1 to 5", volume(5, 1, 0)),
    ("slices 6 to 10", volume(5, 1, 5)),
    ("the same extent in 5 slices of 2 mm", volume(5, 2, 0)),
):
    matched = mask.match_geometry(other)
    found.append(matched.geometry_equal(other))
    print(f"10 slices of 1 mm matched to {name}: {matched.shape[0]} slices of {matched.spacing[0]:g} mm")
sys.exit(0 if found == [False, True, False] else 1)
PYTHON
