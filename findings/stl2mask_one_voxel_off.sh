#!/bin/sh
# stl2mask 0.3.0 ("Convert STL segmentations to binary masks") moves each mask by one voxel along each axis: it starts
# its grid of distances half a voxel after the image's first voxel, and meshlib 3.1.4 measures in the middle of a voxel
# that begins at the start, half a voxel further. A box that encloses the slices 5 to 12 of an image becomes a mask of
# the slices 4 to 11, in slices of 5 mm 5 mm off, and a mask that goes to STL and back with its two commands has moved,
# too (the mesh in between is at the right place). Nothing warns. --offset, 0.5 by default, "can help with alignment
# issues"; -0.5 gives the right voxels. Expected: those by default. Ends with 1 when that changes.
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
from stl2mask.stl_to_mask import stl2mask

logging.disable(logging.INFO)
print(f"stl2mask {version('stl2mask')}, meshlib {version('meshlib')}, SimpleITK {sitk.__version__}")
voxels = np.zeros((20, 24, 28), dtype=np.uint8)
voxels[5:13, 6:16, 8:20] = 1
image = sitk.GetImageFromArray(voxels)
image.SetOrigin((-100, 50, 30))
image.SetSpacing((1, 1, 5))
sitk.WriteImage(image, "mask.nrrd")
mask2stl(Path("mask.nrrd"), None, Path("mask.stl"))
corners = [image.TransformContinuousIndexToPhysicalPoint(index) for index in ((7.5, 5.5, 4.5), (19.5, 15.5, 12.5))]
trimesh.creation.box(bounds=corners).export("box.stl")
mesh = trimesh.load("mask.stl").bounds
print(f"the voxels' borders: {corners}; the mesh of the mask: {mesh.round(2).tolist()}")
found = []
for name, options in (("mask.stl", {}), ("box.stl", {}), ("box.stl", {"offset": -0.5})):
    stl2mask(Path(name), Path("mask.nrrd"), Path("again.nrrd"), **options)
    inside = np.argwhere(sitk.GetArrayFromImage(sitk.ReadImage("again.nrrd")))
    found.append((inside.min(axis=0).tolist(), inside.max(axis=0).tolist()))
    print(f"{name} {options or ''}: a mask from {found[-1][0]} to {found[-1][1]}, expected [5, 6, 8] to [12, 15, 19]")
moved, right = ([4, 5, 7], [11, 14, 18]), ([5, 6, 8], [12, 15, 19])
sys.exit(0 if found == [moved, moved, right] and np.allclose(mesh, corners) else 1)
PYTHON
