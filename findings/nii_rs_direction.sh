#!/bin/sh
# nii-rs 0.1.2's get_direction, "ITK style" and "style same as SimpleITK", gives the direction times the spacing: an
# image with voxels of 0.7 x 0.8 x 2.5 mm has the directions (0.7, 0, 0), (0, 0.8, 0) and (0, 0, 2.5). A SimpleITK image
# that is given nii-rs's array, spacing, origin and direction, which it takes, counts the spacing twice: slices lie 6.25
# instead of 2.5 mm apart. Expected: columns of length 1, as SimpleITK gives for the same file. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nii-rs==0.1.2 typing-extensions==4.15.0 \
    SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nii
import numpy as np
import SimpleITK as sitk

print(f"nii-rs {version('nii-rs')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
original = sitk.Image(7, 6, 5, sitk.sitkInt16)
original.SetSpacing([0.7, 0.8, 2.5])
original.SetOrigin([1, 2, 3])
sitk.WriteImage(original, "scan.nii")
read = nii.read_image("scan.nii")
direction = np.round(read.get_direction(), 3) + 0
print("direction by SimpleITK:", sitk.ReadImage("scan.nii").GetDirection())
print("direction by nii-rs:", direction.ravel().tolist())
copy = sitk.GetImageFromArray(read.ndarray())
copy.SetSpacing(read.get_spacing())
copy.SetOrigin(read.get_origin())
copy.SetDirection(np.ravel(read.get_direction()).tolist())
places = [np.round(image.TransformIndexToPhysicalPoint((6, 5, 4)), 2).tolist() for image in (original, copy)]
print(f"the last voxel lies at {places[0]} mm; with nii-rs's numbers at {places[1]} mm")
right = [[5.2, 6.0, 13.0], [3.94, 5.2, 28.0]]
sys.exit(0 if np.array_equal(direction, np.diag([0.7, 0.8, 2.5])) and places == right else 1)
PYTHON
