#!/bin/sh
# TotalSegmentator 2.18.0's change_spacing gives the resampled image an affine that does not fit its voxels.
# ndimage.zoom puts the first and last voxels' centres on those of the input, so that 40 slices of 1 mm become 10 that
# lie 39/9 = 4.33 mm apart, but the affine says 4 mm: the last is 3 mm off. crop_resample=True keeps the image's
# borders, so that the first centre moves by 1.5 mm, but the affine's origin stays. The docstring asks for an affine
# without rotation, as here. Expected: a voxel where its value comes from. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check joblib==1.5.3 nibabel==5.4.2 scipy==1.15.3 \
    numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps TotalSegmentator==2.18.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel
import numpy as np
from totalsegmentator.resampling import change_spacing

SIZE = 40
heights = np.broadcast_to(np.arange(SIZE, dtype=float), (SIZE, SIZE, SIZE))  # each voxel's value is its height in mm
resampled = change_spacing(nibabel.Nifti1Image(heights, np.eye(4)), 4.0, order=1)
print(f"TotalSegmentator {version('TotalSegmentator')}, scipy {version('scipy')}, nibabel {nibabel.__version__}")
said = resampled.affine[2, 3] + resampled.affine[2, 2] * np.arange(resampled.shape[2])
off = resampled.get_fdata()[0, 0] - said
print(f"default: slices that come from {resampled.get_fdata()[0, 0].round(1)} mm lie at {said} mm")
mask = np.zeros((SIZE, SIZE, SIZE), dtype=np.uint8)
mask[12:28, 12:28, 12:28] = 1  # from 11.5 to 27.5 mm
smaller = change_spacing(nibabel.Nifti1Image(mask, np.eye(4)), 4.0, order=1, crop_resample=True)
inside = np.flatnonzero(smaller.get_fdata().any(axis=(0, 1)))
borders = smaller.affine[2, 3] + smaller.affine[2, 2] * (inside[[0, -1]] + [-0.5, 0.5])
print(f"crop_resample: a cube from 11.5 to 27.5 mm reaches from {borders[0]} to {borders[1]} mm")
sys.exit(0 if abs(off[0]) < 0.01 and abs(off[-1] - 3) < 0.01 and list(borders) == [10, 26] else 1)
PYTHON
