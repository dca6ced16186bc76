#!/bin/sh
# PlatiPy 0.7.2's compute_surface_metrics has a 95th percentile Hausdorff distance that is not one: it takes the 95th
# percentile of two numbers, the largest distance from either mask to the other. For a prediction that is the truth and
# one voxel far away, more than 99.9 % of all surface distances are 0, and "hausdorffDistance95" is 19 of 20 mm. Its
# "sigmaSurfaceDistance" is the square root of a sum, not of a mean, and grows with the number of voxels: 60 mm where no
# distance is above 2 mm. Expected: 0 mm, and less than 2 mm. Ends with 1 when that changes.
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
from platipy.imaging.label.comparison import compute_surface_metrics

NAMES = ["hausdorffDistance", "hausdorffDistance95", "meanSurfaceDistance", "sigmaSurfaceDistance"]
truth = np.zeros((30, 30, 60), dtype=np.uint8)
truth[5:25, 5:25, 5:25] = 1
far = truth.copy()
far[15, 15, 44] = 1  # 20 mm from the cube's last voxel
print(f"PlatiPy {version('platipy')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
found = {}
for name, prediction in (("one voxel 20 mm away", far), ("2 mm beside", np.roll(truth, 2, axis=2))):
    metrics = compute_surface_metrics(sitk.GetImageFromArray(truth), sitk.GetImageFromArray(prediction))
    found[name] = [round(float(metrics[metric]), 2) for metric in NAMES]
    print(f"{name}:", dict(zip(NAMES, found[name], strict=True)))
(largest, percentile, mean, _), (most, _, _, sigma) = found.values()
sys.exit(0 if largest == 20 and mean < 0.01 and percentile == 19 and most == 2 and sigma > 50 else 1)
PYTHON
