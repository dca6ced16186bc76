#!/bin/sh
# stl2mask 0.3.0's mask2stl puts the mesh outside of the reference image if the mask's axes have another direction: it
# turns the mesh, which already lies at the mask's place, around the coordinates' origin and not around the mask's, and
# then moves it by the difference of the two origins. A mask that was saved without directions, of a CT whose columns
# and rows run to -x and -y, both with the origin (100, 150, -30): the mesh is 200 and 300 mm away from the voxels.
# With directions that are equal, or an origin of 0, it is right. Nothing warns. Expected: a mesh "transformed to the
# coordinate system of the reference image". Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check stl2mask==0.3.0 meshlib==3.1.4.297 click==8.5.1 \
    SimpleITK==2.5.7 trimesh==5.2.0 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import logging
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import trimesh
from stl2mask.mask_to_stl import mask2stl

logging.disable(logging.INFO)
print(f"stl2mask {version('stl2mask')}, meshlib {version('meshlib')}, SimpleITK {sitk.__version__}")
voxels = np.zeros((20, 24, 28), dtype=np.uint8)
voxels[5:13, 6:16, 8:20] = 1
found = []
for origin, direction in (((100, 150, -30), (1, 1, 1)), ((0, 0, 0), (-1, -1, 1)), ((100, 150, -30), (-1, -1, 1))):
    mask = sitk.GetImageFromArray(voxels)
    mask.SetOrigin(origin)
    sitk.WriteImage(mask, "mask.nrrd")
    mask.SetDirection(np.diag(np.array(direction, dtype=float)).ravel().tolist())
    sitk.WriteImage(mask, "ct.nrrd")
    mask2stl(Path("mask.nrrd"), Path("ct.nrrd"), Path("mask.stl"))
    middle = trimesh.load("mask.stl").bounds.mean(axis=0)
    expected = np.array(mask.TransformContinuousIndexToPhysicalPoint((13.5, 10.5, 8.5)))
    found.append((middle - expected).round(2).tolist())
    print(f"origin {origin}, directions of the CT {direction}: the middle of the mesh is at", end=" ")
    print(f"{middle.round(1).tolist()} mm, that of the voxels in the CT at {expected.round(1).tolist()} mm")
sys.exit(0 if found[0] == found[1] == [0, 0, 0] and found[2] == [-200, -300, 0] else 1)
PYTHON
