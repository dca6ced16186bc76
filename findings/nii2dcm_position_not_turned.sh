#!/bin/sh
# nii2dcm 0.1.6 writes a NIfTI's positions to DICOM as they are, although NIfTI counts to the patient's right and front
# and DICOM to the left and back, and it starts one slice too early: a first voxel at -100, -50, 30 mm in DICOM's axes
# gets Image Position (Patient) 100, 50, 28. The directions of the axes are turned, so that the series lies 200 and 100
# mm beside its scan. In a scan tilted about x their third number is turned, too, and the error changes along the image.
# Both are read by SimpleITK. Issue 43 and pull request 59 speak of flipped pictures, not of this. Expected: each voxel
# where the NIfTI has it. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 pydicom==2.4.4 SimpleITK==2.5.7 \
    numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps nii2dcm==0.1.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import os
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nii2dcm.run import run_nii2dcm

voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
print(f"nii2dcm {version('nii2dcm')}, nibabel {nib.__version__}, pydicom {version('pydicom')}, numpy {np.__version__}")


def ends(image):
    """Where the first and the last voxel lie, found by their values, in mm."""
    array = sitk.GetArrayFromImage(image)
    places = [np.argwhere(array == value)[0][::-1].tolist() for value in (0, voxels.max())]
    return np.round([image.TransformIndexToPhysicalPoint(place) for place in places], 2)


found = []
for name, axes in (("straight", np.eye(3)), ("tilted", np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]))):
    affine = np.eye(4)
    affine[:3, :3] = axes @ np.diag([1.0, 1.0, 2.0])
    affine[:3, 3] = 100, 50, 30
    nib.save(nib.Nifti1Image(voxels, affine), f"{name}.nii")
    os.mkdir(name)
    with redirect_stdout(StringIO()):
        run_nii2dcm(f"{name}.nii", name, "MR")
    nifti = ends(sitk.ReadImage(f"{name}.nii"))
    dicom = ends(sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(name)))
    found.append(np.round(dicom - nifti, 1).tolist())
    print(f"{name}, first and last voxel: NIfTI {nifti.tolist()}, DICOM {dicom.tolist()} mm; difference {found[-1]}")
wrong = [[[200, 100, -2], [200, 100, -2]], [[200, 101.2, -1.6], [200, 89.2, -6.4]]]
sys.exit(0 if found == wrong else 1)
PYTHON
