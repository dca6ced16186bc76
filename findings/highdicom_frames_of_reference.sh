#!/bin/sh
# highdicom 0.28.2's Volume.match_geometry and geometry_equal never compare Frames of Reference: each compares the
# volume's own UID with itself. A mask made for another examination is brought to a CT by its coordinates as if it
# belonged there, and two volumes of different frames have "the same geometry". Positions of two frames have nothing to
# do with each other unless a registration relates them (PS3.3 C.7.4.1); the method has a message for that case, which
# cannot come. Expected: RuntimeError, and False. No report found. Ends with 1 when that changes.
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


def volume(start, frame):
    """Four slices from `start` mm on, in the Frame of Reference of this UID."""
    return highdicom.Volume.from_components(
        np.ones((4, 4, 4), dtype=np.uint8),
        spacing=[1, 1, 1],
        position=[0, 0, start],
        direction=np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
        coordinate_system="PATIENT",
        frame_of_reference_uid=frame,
    )


print(f"highdicom {version('highdicom')}, pydicom {version('pydicom')}, numpy {np.__version__}")
ROOT = "1.2.826.0.1.3680043.8.498.1"
today, last_year = volume(0, f"{ROOT}.1"), volume(-2, f"{ROOT}.2")
equal = today.geometry_equal(volume(0, f"{ROOT}.2"))
print("the same numbers in two frames of reference have the same geometry:", equal)
try:
    matched = last_year.match_geometry(today)
except RuntimeError as error:
    print("a mask of another frame of reference is refused:", error)
    sys.exit(1)
print("a mask of another frame of reference is moved to this one: its slices hold", matched.array[:, 0, 0])
sys.exit(0 if equal and list(matched.array[:, 0, 0]) == [1, 1, 0, 0] else 1)
PYTHON
