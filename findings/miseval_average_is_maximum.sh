#!/bin/sh
# miseval 1.3.0's AHD, calc_AverageHausdorffDistance, is not an average: it returns the largest distance from one mask's
# border to the other mask, the plain Hausdorff distance. Here the prediction is the truth and one pixel 20 pixels away:
# 1 of 37 border pixels is 20 away and 36 are 0 away, so that the average distance is 20/37 = 0.54 (or half of that, as
# the mean of both directions), and miseval says 20. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check miseval==1.3.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import miseval
import numpy as np

truth = np.zeros((40, 40), dtype=int)
truth[10:20, 10:20] = 1
prediction = truth.copy()
prediction[39, 15] = 1
average = float(miseval.evaluate(truth, prediction, metric="AHD", multi_class=False))
print(f"miseval {version('miseval')}, numpy {np.__version__}")
print(f"average Hausdorff distance: {average:g}; the hand-computed average is {20 / 37:.2f}, the maximum 20")
sys.exit(0 if average == 20 else 1)
PYTHON
