#!/bin/sh
# PlatiPy 0.7.2's correct_volume_overlap, which gives voxels that lie in two structures to one of them, loses voxels and
# gives some to structures that are elsewhere. It multiplies a prime number for each structure and casts the products to
# 8 bits in between: the 7th and 8th primes make 17 * 19 = 323, which wraps to 67, so that their overlap belongs to
# nobody, and 23 * 29 = 667 wraps to 155 = 5 * 31, so that it goes to the third structure. 8 structures have no such
# products before the last, 9 have. Expected: each voxel in one of the structures that it was in. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 matplotlib==3.11.2 \
    scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps platipy==0.7.2
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from platipy.imaging.label.utils import correct_volume_overlap

print(f"PlatiPy {version('platipy')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
found = {}
for number in (8, 9, 14):
    masks = {}
    for index in range(number):  # a row of cuboids, the largest first, each with one slice in the next
        masks[f"structure {index}"] = np.zeros((160, 40, 8), dtype=np.uint8)
        masks[f"structure {index}"][10 * index : 10 * index + 11, : 38 - index] = 1
    images = {name: sitk.GetImageFromArray(mask) for name, mask in masks.items()}
    after = {name: sitk.GetArrayFromImage(image) for name, image in correct_volume_overlap(images).items()}
    covered, left = (sum(arrays.values()) > 0 for arrays in (masks, after))
    strange = {str(name): int((mask > masks[name]).sum()) for name, mask in after.items() if (mask > masks[name]).any()}
    found[number] = int(covered.sum() - left.sum()), strange
    print(f"{number} structures, {covered.sum()} voxels: {found[number][0]} in none of them afterwards,", end=" ")
    print(f"voxels of structures that they were not in: {strange}")
sys.exit(0 if found[8] == (0, {}) and found[9][0] and found[14][1] else 1)
PYTHON
