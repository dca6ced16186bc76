#!/bin/sh
# DiCube 0.3.0's load_from_nifti puts a NIfTI's values, which it has scaled by scl_slope and scl_inter, back into the
# type of the stored integers: what does not fit wraps around, and fractions are cut off. A CT stored as uint16 with
# scl_inter -1024 has air of 64512 HU; probabilities of 0 to 1 that nibabel saved as int16 are all 0. Nothing warns.
# A CT in int16 with whole numbers hides it. NIfTI-1: a voxel's value is slope * stored + inter. Expected: the values
# of nibabel's get_fdata. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicube==0.3.0 spacetransformer-core==0.2.7 \
    pydicom==3.0.2 nibabel==5.4.2 numpy==2.2.6
cd "$folder"
venv/bin/python -W error - <<'PYTHON'
import sys
from importlib.metadata import version

import dicube
import nibabel as nib
import numpy as np

print(f"dicube {version('dicube')}, nibabel {nib.__version__}, numpy {np.__version__}")
hounsfield = np.array([-1024, -850, -600, 0, 40, 1000]).reshape(1, 2, 3)
probability = np.array([0, 0.1, 0.25, 0.5, 0.9, 1]).reshape(1, 2, 3)
shifted = nib.Nifti1Image((hounsfield + 1024).astype(np.uint16), np.eye(4))
shifted.header.set_slope_inter(1, -1024)
scaled = nib.Nifti1Image(probability.astype(np.float32), np.eye(4))
scaled.set_data_dtype(np.int16)
found = {}
for name, image, values in (
    ("CT, int16", nib.Nifti1Image(hounsfield.astype(np.int16), np.eye(4)), hounsfield),
    ("CT, uint16 with scl_inter -1024", shifted, hounsfield),
    ("probability, int16 as nibabel scales it", scaled, probability),
):
    nib.save(image, "image.nii")
    right = nib.load("image.nii").get_fdata()
    read = dicube.load_from_nifti("image.nii").get_fdata().transpose(2, 1, 0)
    found[name] = np.allclose(right, values, atol=1e-4), read.ravel().tolist()
    print(f"{name}: by nibabel {right.ravel().round(3).tolist()}, by dicube {read.ravel().tolist()}")
wrapped = (hounsfield % 65536).ravel().tolist()
right = hounsfield.ravel().tolist()
sys.exit(0 if list(found.values()) == [(True, right), (True, wrapped), (True, [0] * 6)] else 1)
PYTHON
