#!/bin/sh
# highdicom 0.28.2's VolumeToVolumeTransformer looks for points outside of the target, if asked for by check_bounds, in
# the wrong direction: it takes the largest number of each of the first three points and compares the first point's with
# the number of slices, the second's with the rows, the third's with the columns. The middle of a CT of 50 slices of
# 512 x 512 is refused, as 256 is above 50, and a point 10 slices outside passes if it comes second. A fourth point is
# never looked at. Expected: each index compared with its own axis. No report found. Ends with 1 when that changes.
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

ct = highdicom.VolumeGeometry.from_attributes(
    image_position=[0, 0, 0],
    image_orientation=[1, 0, 0, 0, 1, 0],
    pixel_spacing=[1, 1],
    spacing_between_slices=1,
    number_of_frames=50,
    rows=512,
    columns=512,
    coordinate_system="PATIENT",
)
transformer = highdicom.VolumeToVolumeTransformer(ct, ct, check_bounds=True)


def passes(*points):
    """Whether these voxels (slice, row, column) pass as voxels of the CT, mapped onto itself."""
    try:
        transformer(np.array(points))
    except ValueError as error:
        print(f"{points}: {error}")
        return False
    print(f"{points}: passed")
    return True


print(f"highdicom {version('highdicom')}, numpy {np.__version__}; a CT of 50 slices of 512 x 512")
middle = passes((25, 256, 256))
above = passes((0, 0, 0), (60, 0, 0))
fourth = passes((0, 0, 0), (0, 0, 0), (0, 0, 0), (900, 900, 900))
sys.exit(0 if not middle and above and fourth else 1)
PYTHON
