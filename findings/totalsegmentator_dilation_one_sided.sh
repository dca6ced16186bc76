#!/bin/sh
# TotalSegmentator 2.18.0's dilate_vertebrae_labels, which ends its vertebrae_pp task, can grow a label by more on one
# side than on the other where 3 mm is not a whole number of voxels: its ellipsoid's grid starts at minus the radius in
# voxels and goes in steps of 1, so that it has no point in the middle. With slices of 2.5 mm a label grows by 5 mm
# towards lower indices and by nothing towards higher ones; with voxels of 0.7 mm by 2.8 and 2.1 mm. With 1.5 mm it is
# right. Expected: the same on both sides, and at most 3 mm. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 scipy==1.15.3 tqdm==4.67.1 \
    numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps TotalSegmentator==2.18.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from totalsegmentator.postprocessing import dilate_vertebrae_labels

LABELS = {1: "vertebrae_T1"}
print(f"TotalSegmentator {version('TotalSegmentator')}, scipy {version('scipy')}, numpy {np.__version__}")
grown = []
for spacing in ((1.5, 1.5, 1.5), (0.7, 0.7, 0.7), (1.0, 1.0, 2.5)):
    one = np.zeros((21, 21, 21), dtype=np.uint8)
    one[10, 10, 10] = 1
    where = (np.argwhere(dilate_vertebrae_labels(one, LABELS, spacing, dilation_mm=3)) - 10) * spacing
    grown.append(np.array([-where.min(axis=0), where.max(axis=0)]).round(1).tolist())
    print(f"voxels of {spacing} mm: grows by {grown[-1][0]} mm downwards and {grown[-1][1]} mm upwards")
along_last = [[side[2] for side in sides] for sides in grown]
sys.exit(0 if along_last == [[3, 3], [2.8, 2.1], [5, 0]] else 1)
PYTHON
