#!/bin/sh
# nidataset 0.9.1's extract_annotations(saving_mode="volume", data_mode="center") gives the first slice of a box for its
# middle: CENTER_X and CENTER_Y are the middle in the slice, CENTER_Z is the box's first slice ("saves the center of the
# bounding box"). A nodule in the slices 10 to 19, 2.5 mm apart, has its middle at 10 instead of 14.5, 11 mm too low.
# data_mode="radius" has 14.5 in the column of the same name. And target_size, which "is applied only if the saving_mode
# is slice", moves the other two by the padding all the same: from 25.5 to 45.5. Nothing warns. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 scipy==1.15.3 \
    scikit-image==0.26.0 pandas==2.3.3 tqdm==4.70.1 pillow==13.0.0 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps nidataset==0.9.1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON'
import csv
import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import nibabel as nib
import numpy as np

sys.modules["cv2"] = MagicMock()  # OpenCV: large, for its drawings only
from nidataset.slices import extract_annotations

print(f"nidataset {version('nidataset')}, nibabel {nib.__version__}, numpy {np.__version__}")
mask = np.zeros((60, 60, 40), dtype=np.uint8)
mask[30:38, 22:30, 10:20] = 1  # a box's middle at 33.5, 25.5, 14.5
nib.save(nib.Nifti1Image(mask, np.diag([1, 1, 2.5, 1])), "nodule_bbox.nii.gz")
found = {}
for name, mode, size in (("center", "center", None), ("radius", "radius", None), ("padded", "center", (100, 100))):
    (path,) = extract_annotations("nodule_bbox.nii.gz", name, "axial", "volume", mode, size)
    with open(path) as file:
        (row,) = csv.DictReader(file)
    found[name] = [float(row[f"CENTER_{axis}"]) for axis in "XYZ"]
    print(f"data_mode={mode!r}, target_size={size}: CENTER_X, CENTER_Y, CENTER_Z = {found[name]}")
wrong = {"center": [25.5, 33.5, 10], "radius": [33.5, 25.5, 14.5], "padded": [45.5, 53.5, 10]}
sys.exit(0 if found == wrong else 1)
PYTHON
