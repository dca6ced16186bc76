#!/bin/sh
# roi2bb 0.1.0 (boxes of 3D Slicer's ROI markups for YOLO) puts boxes outside the scan: it takes for granted that the
# NIfTI's columns run to the patient's left, its rows to the front and its slices to the head. The same box in the same
# scan of 100 x 80 x 50 mm, its centre at 0.3 of the columns and 0.25 of the rows, gets the row -0.244 when the rows run
# to the back, as in an axial CT that SimpleITK wrote, and the column -0.695 instead of 0.7 in RAS+, as nibabel's
# as_closest_canonical makes it. In the one order that it knows all is off by half a voxel (0.295 for 0.3), for a
# NIfTI's origin is the middle of a voxel. "Successfully saved 1 annotations" each time. Expected: the affine. Ends with
# 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check roi2bb==0.1.0 nibabel==5.4.2 numpy==2.2.6
mkdir "$folder/labels" "$folder/found"
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import sys
from importlib.metadata import version

import nibabel
import numpy as np
from roi2bb.converter import Converter

print(f"roi2bb {version('roi2bb')}, nibabel {nibabel.__version__}")
SHAPE, MIDDLE = np.array([100, 80, 25]), np.array([29.5, 19.5, 4.5])  # columns, rows, slices of 1 x 1 x 2 mm
scan = nibabel.Nifti1Image(np.zeros(SHAPE, dtype=np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]))
scan.affine[:3, 3] = 60, 30, -200
centre = scan.affine @ [*MIDDLE, 1]
roi = {"type": "ROI", "coordinateSystem": "LPS", "center": [-centre[0], -centre[1], centre[2]], "size": [20, 20, 20]}
with open("labels/lesion.json", "w") as file:
    json.dump({"markups": [roi]}, file)
found = []
for turned in ([1, 1, 1], [-1, -1, 1], [1, -1, 1]):
    image = scan.as_reoriented(np.column_stack([range(3), turned]))
    nibabel.save(image, "scan.nii")
    Converter("scan.nii", "labels", "found/boxes.txt").run()
    with open("found/boxes.txt") as file:
        z, x, y = (float(value) for value in file.read().split()[1:4])
    right = ((np.linalg.inv(image.affine) @ centre)[:3] + 0.5) / SHAPE
    found.append((round(x, 3), round(y, 3), round(z, 3)))
    print(f"{''.join(nibabel.aff2axcodes(image.affine))}: centre {found[-1]}, by hand {right.round(3).tolist()}")
sys.exit(0 if found == [(0.295, -0.244, 0.18), (-0.695, 0.744, 0.18), (0.295, 0.744, 0.18)] else 1)
PYTHON
