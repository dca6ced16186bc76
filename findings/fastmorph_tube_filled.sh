#!/bin/sh
# fastmorph 1.10.0's fill_holes(fix_borders=True), "run 2d fill along the edges of the image", fills the lumen of a tube
# in the middle of the image: it runs the 2D fill along the faces of each label's own bounding box, where the tube's two
# ends are rings. An airway's wall that is open at both ends and touches no border gets caps there, and is then filled
# as if closed: 2240 voxels become 3860. So does any notch that opens to a face of the box. fill_holes_v2, with the same
# parameter, leaves the tube, and so does fill_holes without it. Nothing warns. Expected: no change away from the
# image's border. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastmorph==1.10.0 fill-voids==2.1.2 \
    connected-components-3d==4.1.1 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import fastmorph
import numpy as np

print(f"fastmorph {version('fastmorph')}, fill-voids {version('fill-voids')}, numpy {np.__version__}")
x, y, z = np.indices((40, 40, 40))
radius = np.hypot(x - 20, y - 20)
tube = (radius > 5) & (radius < 8) & (z > 9) & (z < 30)  # open at both ends, 10 voxels from the border
found = []
for kind in (bool, np.uint8):
    wall = tube.astype(kind)
    plain = fastmorph.fill_holes(wall.copy())
    borders = fastmorph.fill_holes(wall.copy(), fix_borders=True)
    second, _ = fastmorph.fill_holes_v2(wall.copy(), fix_borders=True)
    found.append([int((image > 0).sum()) for image in (wall, plain, borders, second)])
    print(f"{np.dtype(kind).name}: {found[-1][0]} voxels, fill_holes {found[-1][1]}, with fix_borders", end=" ")
    print(f"{found[-1][2]}, fill_holes_v2 with fix_borders {found[-1][3]}")
full = int(((radius < 8) & (z > 9) & (z < 30)).sum())
print(f"the whole cylinder has {full} voxels")
wall = int(tube.sum())
sys.exit(0 if found == [[wall, wall, full, wall]] * 2 else 1)
PYTHON
