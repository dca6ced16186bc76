#!/bin/sh
# numpyradiomics 0.0.5's glrlm counts no run along the diagonals of a slice: for two of its 13 directions, (0, 1, 1)
# and (0, 1, -1) in (z, y, x), it puts the image's axes and the direction's into different orders, and counts (1, 1, 0)
# and (1, -1, 0) twice instead. A line of 5 voxels along a diagonal has one run of 5 in one direction and 5 runs of 1
# in the 12 others, so that the mean LongRunEmphasis is (25 + 12 * 1) / 13 = 2.846. It is 1.000 for a line in a slice
# (y and x) and 4.692 for one in z and y; z and x are right. Nothing warns. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpyradiomics==0.0.5 scikit-image==0.26.0 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from numpyradiomics import glrlm

print(f"numpyradiomics {version('numpyradiomics')}, numpy {np.__version__}")
found = {}
for name, axes in (("y, x", (1, 2)), ("z, x", (0, 2)), ("z, y", (0, 1))):
    for other_way in (False, True):
        mask = np.zeros((7, 7, 7), dtype=np.uint8)
        for step in range(5):
            place = [3, 3, 3]
            place[axes[0]], place[axes[1]] = 1 + step, 5 - step if other_way else 1 + step
            mask[tuple(place)] = 1
        result = glrlm(100.0 * mask, mask, binWidth=25)["LongRunEmphasis"]
        found.setdefault(name, set()).add(round(float(result), 3))
        print(f"diagonal of {name}{', the other way' * other_way}: LongRunEmphasis {result:.3f}")
sys.exit(0 if found == {"y, x": {1.0}, "z, x": {2.846}, "z, y": {4.692}} else 1)
PYTHON
