#!/bin/sh
# bio-volumentations 1.4.0 moves points away from the voxels that they mark. Given a spacing, AffineTransform moves the
# image in mm and the points as if voxels were 1 mm: with 1 x 1 x 3 mm, a shift of 3 mm along x moves the voxel by 1
# and its point by 3, and a scaling by 2 drops the point as outside while the voxel stays in the image. Resize
# multiplies the points by the ratio of the sizes, whereas scikit-image keeps the image's borders in place: from 8 to
# 32 voxels, voxel 5 becomes voxels 20 to 23, their middle 21.5, and its point 20. Expected: the places of the voxels.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bio-volumentations==1.4.0 SimpleITK==2.5.7 \
    scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from bio_volumentations import AffineTransform, Compose, Resize

print(f"bio-volumentations {version('bio-volumentations')}, numpy {np.__version__}")
found = []
for name, size, place, change in (
    ("shift of 3 mm, voxels of 1 mm", 21, (13, 12, 14), AffineTransform(translation=(0, 0, 3), p=1)),
    ("the same, 1 x 1 x 3 mm", 21, (13, 12, 14), AffineTransform(translation=(0, 0, 3), spacing=(1, 1, 3), p=1)),
    ("scaling by 2, voxels of 1 mm", 21, (13, 12, 14), AffineTransform(scale=2.0, p=1)),
    ("the same, 1 x 1 x 3 mm", 21, (13, 12, 14), AffineTransform(scale=2.0, spacing=(1, 1, 3), p=1)),
    ("resize from 8 to 32 voxels", 8, (5, 3, 6), Resize((32, 32, 32), interpolation=0, p=1)),
):
    image = np.zeros((1, size, size, size), dtype=np.float32)
    image[(0, *place)] = 1
    result = Compose([change], p=1)(image=image, keypoints=[place])
    weights = result["image"][0]
    voxel = [round(float((axis * weights).sum() / weights.sum()), 1) for axis in np.indices(weights.shape)]
    points = [[round(float(number), 1) for number in point] for point in result["keypoints"]]
    found.append((voxel, points))
    print(f"{name}: voxel at {voxel}, points {points}")
wrong = [
    ([13, 12, 17], [[13, 12, 17]]),
    ([13, 12, 15], [[13, 12, 17]]),
    ([16, 14, 18], [[16, 14, 18]]),
    ([16, 14, 18], []),
    ([21.5, 13.5, 25.5], [[20, 12, 24]]),
]
sys.exit(0 if found == wrong else 1)
PYTHON
