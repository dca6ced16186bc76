#!/bin/sh
# mesh-skeleton 1.0.3 puts a centreline half a voxel too low on each axis: it asks whether the middle of each voxel
# lies in the mesh, thins what lies in it, and gives each voxel of the result the place of its lower corner. The
# centreline of a straight tube about the z axis, 20 mm wide, lies at (-2, -2) mm with voxels of 4 mm, 2.8 mm beside
# the axis, and at (-0.67, -0.67) mm with voxels of 1.33 mm. With its default of 256 voxels along an airway tree of 250
# mm it is 0.8 mm in all, on an airway of 2 mm. Nothing warns. Expected: (0, 0) by symmetry. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mesh-skeleton==1.0.3 trimesh==5.2.0 rtree==1.4.1 \
    networkx==3.4.2 scikit-image==0.25.2 scipy==1.15.3 numpy==2.2.6
MPLBACKEND=Agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
import sys
from importlib.metadata import version

import numpy as np
import trimesh
from mesh_skeleton import SkeletonExtractor

print("mesh-skeleton", version("mesh-skeleton"), "trimesh", version("trimesh"))
tube = trimesh.creation.cylinder(10, 100)  # mm, about the z axis
found = {}
for resolution in (25, 75):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        points = SkeletonExtractor(tube, voxel_resolution=resolution).extract_skeleton()
    found[resolution] = np.median(points, axis=0)[:2].round(2).tolist()
    print(f"voxels of {100 / resolution:.2f} mm: centreline at x, y {found[resolution]} mm, expected [0, 0]")
sys.exit(0 if found == {25: [-2, -2], 75: [-0.67, -0.67]} else 1)
PYTHON
