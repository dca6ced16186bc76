#!/bin/sh
# Three readers read three images from a NIfTI file whose scl_slope is 0 and whose scl_inter is not. By the format's
# definition (nifti1.h) the values are scaled "if the scl_slope field is nonzero", so the stored values count: nibabel
# 5.4.2 reads -800 and 100. SimpleITK 2.5.7 takes the slope for 1 and adds the intercept: -1824 and -924. nifti-lite
# 0.1.0 multiplies by 0 and adds it: all voxels are -1024. No message. Expected: the stored values of each. Ends with 1
# when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nifti-lite==0.1.0 nibabel==5.4.2 SimpleITK==2.5.7 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import struct
import sys
from importlib.metadata import version
from pathlib import Path

import nibabel as nib
import nifti_lite
import numpy as np
import SimpleITK as sitk

stored = np.full((4, 4, 4), 100, dtype=np.int16)
stored[1] = -800
nib.save(nib.Nifti1Image(stored, np.eye(4)), "image.nii")
file = bytearray(Path("image.nii").read_bytes())
struct.pack_into("<2f", file, 112, 0, -1024)  # scl_slope and scl_inter
Path("image.nii").write_bytes(file)
found = {
    f"nibabel {nib.__version__}": nib.load("image.nii").get_fdata(),
    f"SimpleITK {sitk.__version__}": sitk.GetArrayFromImage(sitk.ReadImage("image.nii")),
    f"nifti-lite {version('nifti-lite')}": nifti_lite.load_data("image.nii"),
}
for name, values in found.items():
    print(f"{name}: {np.unique(values)}")
print(f"stored: {np.unique(stored)}")
values = [np.unique(values).tolist() for values in found.values()]
sys.exit(0 if values == [[-800, 100], [-1824, -924], [-1024]] else 1)
PYTHON
