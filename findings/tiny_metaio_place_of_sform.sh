#!/bin/sh
# tiny-metaio 0.4.0 loses the place of a NIfTI that has an sform and no qform (sform_code 1, qform_code 0, as a program
# leaves it that has a matrix and no quaternion): it takes the directions from the sform and the place of the first
# voxel from qoffset_x, y and z, which belong to the qform and are 0 here. A voxel that SimpleITK finds at (-110, 80,
# -20) mm lies at (-10, -19, 50) mm in the .mha that `python -m metaio` writes; the file with a qform too is right.
# Nothing warns. Expected: the same place, as srow_x, y and z hold shift and directions together (nifti1.h, method 3).
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tiny-metaio==0.4.0 nibabel==5.4.2 SimpleITK==2.5.7 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
import SimpleITK as sitk

print(f"tiny-metaio {version('tiny-metaio')}, nibabel {nib.__version__}, SimpleITK {sitk.__version__}")
mask = np.zeros((20, 20, 20), dtype=np.uint8)
mask[10, 19, 10] = 1
affine = np.array([[1, 0, 0, 100], [0, 1, 0, -99], [0, 0, 5, -70], [0, 0, 0, 1.0]])


def place(path):
    """Where SimpleITK sees the only voxel of the mask, in mm."""
    image = sitk.ReadImage(path)
    z, y, x = np.argwhere(sitk.GetArrayFromImage(image))[0].tolist()
    return [round(number, 2) for number in image.TransformIndexToPhysicalPoint((x, y, z))]


found = []
for name, qform in (("sform and qform", affine), ("sform alone", None)):
    image = nib.Nifti1Image(mask, None)
    image.set_sform(affine, code=1)
    image.set_qform(qform, code=0 if qform is None else 1)
    image.header.set_zooms((1, 1, 5))
    nib.save(image, "mask.nii")
    subprocess.run([sys.executable, "-m", "metaio", "mask.nii", "mask.mha"], check=True)
    found.append((place("mask.nii"), place("mask.mha")))
    print(f"{name}: the voxel is at {found[-1][0]} mm in the NIfTI, at {found[-1][1]} mm in the MetaImage")
right = [-110.0, 80.0, -20.0]
sys.exit(0 if found == [(right, right), (right, [-10.0, -19.0, 50.0])] else 1)
PYTHON
