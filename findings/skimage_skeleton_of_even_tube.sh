#!/bin/sh
# scikit-image 0.26.0's skeletonize (Lee's method, the one for 3D) removes objects whole: of a straight tube with 8
# voxels across nothing is left, of one with 9 across a line, and balls, boxes and plates of an even number of voxels
# vanish alike, on any grid. In a tree of airways, one label, a branch may vanish while the others keep their lines. A
# skeleton has a line for each connected object (it keeps the topology, as its documentation says of Lee's paper), so
# the tubes have 1 component each. Several packages for airways and vessels build on it. Reported as issue 3757 in 2019
# and open. Expected: one component. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import skimage
from skimage.morphology import skeletonize

print(f"scikit-image {skimage.__version__}, numpy {np.__version__}")
found = {}
for across in (7, 8, 9, 10):
    rows, columns = np.mgrid[:20, :20] - (9.5 if across % 2 == 0 else 9)
    tube = np.zeros((60, 20, 20), dtype=bool)
    tube[10:50] = rows**2 + columns**2 < (across / 2) ** 2
    found[across] = int(skeletonize(tube).sum())
    print(f"tube of 40 slices, {across} voxels across, {tube.sum()} voxels: skeleton of {found[across]} voxels")
ball = (np.indices((20, 20, 20)) - 9.5).__pow__(2).sum(axis=0) < 36
print(f"ball of {ball.sum()} voxels: skeleton of {skeletonize(ball).sum()} voxels")
gone = found[8] == found[10] == skeletonize(ball).sum() == 0
sys.exit(0 if gone and found[7] > 25 and found[9] > 25 else 1)
PYTHON
