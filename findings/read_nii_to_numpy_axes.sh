#!/bin/sh
# read-nii-to-numpy 0.1.0's nii_file_to_numpy resamples a scan even if it is asked for nothing: it takes the distances
# along the file's axes for those along the patient's. A coronal scan of 20 x 12 x 8 voxels of 1 x 1 x 5 mm, slices
# from back to front, becomes 20 x 36 x 4: five times as fine from back to front, five times as coarse from feet to
# head, and its values, -900 and -100, reach from -967 to 0, as it interpolates by cubic splines. An axial scan of the
# same size stays as it is. Nothing warns. Expected: 12 rows and 8 slices. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check read-nii-to-numpy==0.1.0 nibabel==5.4.2 \
    scipy==1.15.3 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
from read_nii_to_numpy import nii_file_original_zoom, nii_file_to_numpy

print(f"read-nii-to-numpy {version('read-nii-to-numpy')}, nibabel {nib.__version__}, numpy {np.__version__}")
scan = np.full((20, 12, 8), -900, dtype=np.float32)
scan[5:15, 3:9, 2:6] = -100
axial = np.diag([1.0, 1.0, 5.0, 1.0])
coronal = axial[[0, 2, 1, 3]]  # columns to the right, rows upwards, slices to the front
found = []
for name, affine in (("axial", axial), ("coronal", coronal)):
    nib.save(nib.Nifti1Image(scan, affine), "scan.nii")
    array = nii_file_to_numpy("scan.nii")
    found.append((array.shape, round(float(array.min())), round(float(array.max()))))
    print(f"{name}: file {scan.shape}, {nii_file_original_zoom('scan.nii')} mm; array {array.shape}, values", end=" ")
    print(f"from {array.min():.0f} to {array.max():.0f}")
sys.exit(0 if found == [((20, 12, 8), -900, -100), ((20, 36, 4), -967, 0)] else 1)
PYTHON
