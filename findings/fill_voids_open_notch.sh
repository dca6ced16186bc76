#!/bin/sh
# fill_voids 2.1.2 fills a notch that is open to the border of the image (100 voxels, 20 of them in each of two faces)
# when notches at two other corners begin in an earlier slice. The same block mirrored is left alone, and SciPy leaves
# both: a void is what the foreground encloses. It seems that the fill from outside starts once per run of background
# along a face, and that a run goes on from the end of one row to the start of the next. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fill-voids==2.1.2 numpy==2.2.6 scipy==1.15.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import fill_voids
import numpy as np
from scipy import ndimage

block = np.ones((20, 20, 20), dtype=bool)
block[:5, :5, 8:12] = False
block[:5, -5:, 5:15] = False
block[-5:, :5, 5:15] = False
mirrored = np.ascontiguousarray(block[::-1])
filled, mirror = (fill_voids.fill(mask, return_fill_count=True)[1] for mask in (block, mirrored))
enclosed = [int((ndimage.binary_fill_holes(mask) & ~mask).sum()) for mask in (block, mirrored)]
print(f"fill_voids {version('fill-voids')}, numpy {np.__version__}")
print(f"voxels filled: {filled}; of the mirrored block: {mirror}; SciPy fills {enclosed}")
sys.exit(0 if (filled, mirror, enclosed) == (100, 0, [0, 0]) else 1)
PYTHON
