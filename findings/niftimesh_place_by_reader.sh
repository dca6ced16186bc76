#!/bin/sh
# niftimesh 0.1.1 puts the mesh of the same NIfTI mask at another place if SimpleITK is installed: it then takes
# SimpleITK's origin, in LPS, and lets the voxels' numbers grow from there, as without it from nibabel's, in RAS, and
# says nowhere which it is. It leaves the direction out on purpose, but SimpleITK's origin belongs to one that runs the
# other way for most NIfTI files: a cube at x from -40 to -31 and y from -10 to -1 mm (RAS) lies at 60 to 69 and 30 to
# 39, turned round and moved by 100 mm, and not at 40 to 31 and 10 to 1 (LPS); without SimpleITK it lies at its RAS
# place. Expected: one of the two. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check niftimesh==0.1.1 SimpleITK==2.5.7 vtk==9.6.2 \
    nibabel==5.4.2 scipy==1.15.3 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
import vtk
from niftimesh import nifti_to_stl

mask = np.zeros((30, 30, 30), dtype=np.uint8)
mask[10:20, 10:20, 10:20] = 1
affine = np.eye(4)
affine[:3, 3] = -50, -20, 5
nib.save(nib.Nifti1Image(mask, affine), "mask.nii")
print("niftimesh", version("niftimesh"), *(f"{name} {version(name)}" for name in ("vtk", "SimpleITK", "nibabel")))
found = {}
for name in ("with SimpleITK", "without SimpleITK"):
    if name.startswith("without"):
        sys.modules["SimpleITK"] = None  # as if it were not installed
    (path,) = nifti_to_stl("mask.nii", name, mode="naive")
    reader = vtk.vtkSTLReader()
    reader.SetFileName(path)
    reader.Update()
    bounds = reader.GetOutput().GetBounds()
    found[name] = [round((low + high) / 2, 1) for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    print(f"{name}: bounds {[round(number, 1) for number in bounds]}, middle {found[name]} mm")
middle = (affine @ [14.5, 14.5, 14.5, 1])[:3].tolist()
print(f"the cube's middle: {middle} (RAS), {[-middle[0], -middle[1], middle[2]]} (LPS)")
sys.exit(0 if found == {"with SimpleITK": [64.5, 34.5, 19.5], "without SimpleITK": middle} else 1)
PYTHON
