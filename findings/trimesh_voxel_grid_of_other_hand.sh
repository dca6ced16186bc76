#!/bin/sh
# trimesh 5.2.0's VoxelGrid gives a mask a negative volume if its transform mirrors, as a NIfTI's affine does whose
# columns run from the patient's right to left (x negative, "LAS"): 8 x 8 x 8 voxels of 1 x 1 x 2 mm are -1024 mm3; the
# same grid's as_boxes() mesh has 1024, and bounds and extents are right. VoxelGrid.marching_cubes leaves the transform
# out: its mesh lies in voxels, not in mm, and has half of the volume. Nothing warns. Expected: 1024 mm3 and about that.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 scikit-image==0.25.2 scipy==1.15.3 \
    numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import trimesh
from trimesh.voxel import VoxelGrid

mask = np.zeros((12, 12, 12), dtype=bool)
mask[2:10, 2:10, 2:10] = True
print(f"trimesh {trimesh.__version__}, numpy {np.__version__}")
found = {}
for name, spacing in (("RAS", (1, 1, 2)), ("LAS", (-1, 1, 2)), ("LPS", (-1, -1, 2))):
    grid = VoxelGrid(mask, transform=np.diag([*spacing, 1.0]))
    boxes, surface = grid.as_boxes(), grid.marching_cubes
    found[name] = [round(float(volume)) for volume in (grid.volume, boxes.volume, surface.volume)]
    print(f"{name}: volume {found[name][0]}, as_boxes() {found[name][1]}, marching_cubes {found[name][2]} mm3")
    print("  extents:", *(part.extents.tolist() for part in (grid, boxes, surface)))
wrong = {"RAS": [1024, 1024, 501], "LAS": [-1024, 1024, 501], "LPS": [1024, 1024, 501]}
sys.exit(0 if found == wrong else 1)
PYTHON
