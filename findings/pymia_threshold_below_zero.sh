#!/bin/sh
# pymia 0.3.4's BinaryThreshold takes negative values for values above the threshold: bone of a CT, above 200 HU, has
# all the air, lung and fat in it. The filter sets the inner value to 0 up to the threshold, but leaves SimpleITK's
# lower threshold at 0, so that all below 0 is outside, too. The docstring says no more than "the threshold value"; a
# probability map never shows it. Expected: 0 for -1000 HU. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pymia==0.3.4
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from pymia.filtering.postprocessing import BinaryThreshold

THRESHOLD = 200
values = np.array([[-1000, -700, -100, 0, 40, 150, 300, 1000]], dtype=np.int16)
found = sitk.GetArrayFromImage(BinaryThreshold(THRESHOLD).execute(sitk.GetImageFromArray(values)))
print(f"pymia {version('pymia')}, SimpleITK {sitk.__version__}")
print(f"HU {values[0]} with the threshold {THRESHOLD} become {found[0]}")
sys.exit(0 if np.array_equal(found, (values > THRESHOLD) | (values < 0)) else 1)
PYTHON
