#!/bin/sh
# TotalSegmentator 2.18.0's crop_to_mask gives the cropped image the type of the numbers that the file stores, but the
# values that NIfTI's slope and intercept make of them, without slope and intercept. A CT stored as uint16 with the
# intercept -1024 has air of 64536 HU after it (on x86-64), and probabilities stored as int16 are all 0. The parameter
# `dtype` is "dtype of the output image"; nothing says that None loses values. Expected: -1000 HU, and probabilities.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps TotalSegmentator==2.18.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel
import numpy as np
from totalsegmentator.cropping import crop_to_mask

AFFINE = np.eye(4)
mask = np.zeros((8, 8, 8), dtype=np.uint8)
mask[2:6, 2:6, 2:6] = 1
scan = np.full(mask.shape, 24, dtype=np.uint16)
scan[4] = 1064
stored = nibabel.Nifti1Image(scan, AFFINE)
stored.header.set_slope_inter(1, -1024)
nibabel.save(stored, "scan.nii.gz")
chances = nibabel.Nifti1Image(np.where(mask, 0.75, 0.25), AFFINE)
chances.header.set_data_dtype(np.int16)  # nibabel chooses slope and intercept
nibabel.save(chances, "chances.nii.gz")
print(f"TotalSegmentator {version('TotalSegmentator')}, nibabel {nibabel.__version__}, numpy {np.__version__}")
found = {}
for name in ("scan", "chances"):
    image = nibabel.load(f"{name}.nii.gz")
    cropped, _ = crop_to_mask(image, nibabel.Nifti1Image(mask, AFFINE))
    found[name] = np.unique(cropped.get_fdata())
    print(f"{name}: {np.unique(image.get_fdata()).round(3)} becomes {found[name]} of {cropped.get_data_dtype()}")
sys.exit(0 if -1000 not in found["scan"] and 40 in found["scan"] and not found["chances"].any() else 1)
PYTHON
