#!/bin/sh
# fastmorph 1.10.0's spherical_open and spherical_close make a mask larger than both operations may: its erosion takes
# one layer of voxels less away than its dilation adds, as it keeps voxels whose distance to the background's nearest
# voxel, 1 at the surface, is "radius" or more, and adds those whose distance is "radius" or less. With the default
# radius of 1 spherical_erode removes nothing at all, and opening a cube of 1000 voxels, like closing it, makes 1600. An
# opening lies within the mask and a closing by a ball adds nothing to a cube (SciPy: 896 and 1000 voxels). Smoothing a
# lung by it so moves the whole surface outwards. Nothing warns. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "fastmorph[spherical]==1.10.0" edt==3.1.2 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import fastmorph
import numpy as np
from scipy import ndimage

print(f"fastmorph {version('fastmorph')}, edt {version('edt')}, SciPy {version('scipy')}, numpy {np.__version__}")
cube = np.zeros((40, 40, 40), dtype=bool)
cube[15:25, 15:25, 15:25] = True
NAMES = {"dilate": "dilation", "erode": "erosion", "open": "opening", "close": "closing"}
found = {}
for radius in (1, 2, 3):
    ball = ((np.indices((2 * radius + 1,) * 3) - radius) ** 2).sum(axis=0) <= radius**2
    ours = {name: int(getattr(fastmorph, f"spherical_{name}")(cube, radius=radius).sum()) for name in NAMES}
    theirs = {name: int(getattr(ndimage, f"binary_{NAMES[name]}")(cube, ball).sum()) for name in NAMES}
    found[radius] = ours, theirs
    print(f"a cube of {cube.sum()} voxels, radius {radius}: fastmorph {ours}, SciPy {theirs}")
grown = all(ours["open"] > 1000 and ours["close"] > 1000 for ours, _ in found.values())
right = all(ours["dilate"] == theirs["dilate"] and theirs["close"] == 1000 for ours, theirs in found.values())
sys.exit(0 if grown and right and found[1][0]["erode"] == 1000 and found[1][0]["open"] == 1600 else 1)
PYTHON
