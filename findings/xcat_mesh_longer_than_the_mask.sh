#!/bin/sh
# xcat-mesh 0.1.1's meshes are longer than the masks that they are made of: it resamples to 1 mm by default with scipy's
# zoom, which keeps the first and the last voxel's middle in place (11 x 5 = 55 mm between 12 slices of 5 mm), and then
# calls the 60 new slices 1 mm apart (59 mm). A block of 40 x 40 x 30 mm, 48.0 ml, becomes 32 mm long and 51.1 ml; with
# target_resolution_mm null it has 30 mm and 47.8 ml (marching cubes cuts the edges). In 6 slices of 10 mm the same
# block becomes 36 mm long and 57.5 ml. All faces look inwards, so trimesh calls the volume negative, too. Its page
# offers the meshes for "digital twins", radiation dose and 3D printing. Nothing warns. Expected: 30 mm. Ends with 1
# when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check xcat-mesh==0.1.1 nibabel==5.4.2 numpy==2.2.6 \
    scipy==1.15.3 scikit-image==0.26.0 tqdm==4.67.1 trimesh==5.2.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel
import numpy as np
import trimesh
from xcat_mesh import mesh_from_nifti
from xcat_mesh.config import MeshConfig, SmoothConfig

print(f"xcat-mesh {version('xcat-mesh')}, scipy {version('scipy')}, scikit-image {version('scikit-image')}")
found = []
for slices, thickness, first, last in ((12, 5, 3, 9), (6, 10, 1, 4)):
    mask = np.zeros((60, 60, slices), dtype=np.uint8)
    mask[10:50, 10:50, first:last] = 1
    nibabel.save(nibabel.Nifti1Image(mask, np.diag([1, 1, thickness, 1])), "mask.nii")
    right = mask.sum() * thickness / 1000
    for voxels in (MeshConfig().target_resolution_mm, None):
        options = MeshConfig(target_resolution_mm=voxels, smooth=SmoothConfig(enabled=False))
        vertices, faces, _ = mesh_from_nifti("mask.nii", options)
        mesh = trimesh.Trimesh(vertices, faces)
        found.append((round(float(mesh.extents[2]), 1), round(float(mesh.volume) / 1000, 1)))
        print(f"{slices} slices of {thickness} mm, target {voxels}: {found[-1][0]} mm long, {found[-1][1]} ml", end="")
        print(f" (by hand {(last - first) * thickness} mm, {right} ml)")
sys.exit(0 if found == [(32.0, -51.1), (30.0, -47.8), (36.0, -57.5), (30.0, -47.6)] else 1)
PYTHON
