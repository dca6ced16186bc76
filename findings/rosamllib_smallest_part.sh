#!/bin/sh
# rosamllib 0.6.3's extract_largest_structure returns the smallest part of a mask: it sorts the parts by size, largest
# first as 1, and then takes the one with the highest number. Two lungs with one stray voxel beside them come back as
# that voxel, with no warning. A mask of one part shows nothing. "Only the largest component is kept", says the
# docstring. Expected: the larger lung. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 scikit-image==0.25.2 \
    nibabel==5.4.2 xmltodict==1.0.2 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps rosamllib==0.6.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from rosamllib.mask_processing import extract_largest_structure

mask = np.zeros((10, 20, 20), dtype=np.uint8)
mask[2:8, 4:16, 1:8] = 1  # the right lung
mask[2:8, 4:16, 12:18] = 1  # the left lung
mask[0, 0, 0] = 1  # a stray voxel
parts = [int(mask[2:8, 4:16, 1:8].sum()), int(mask[2:8, 4:16, 12:18].sum()), 1]
print(f"rosamllib {version('rosamllib')}, SimpleITK {version('SimpleITK')}, numpy {np.__version__}")
largest = extract_largest_structure(mask)
print(f"parts of {parts} voxels; extract_largest_structure returns {int(largest.sum())}")
sys.exit(0 if largest.sum() == largest[0, 0, 0] == 1 else 1)
PYTHON
