#!/bin/sh
# DICaugment 1.0.7's SetPixelSpacing scales the image the wrong way: from pixels of 1 mm to pixels of 0.5 mm it halves
# the rows and columns instead of doubling them, and writes 0.5 mm into the header. A scan of 40 x 40 mm becomes one of
# 10 x 10 mm, and a lung of 400 mm2 a slice has 25 mm2; in pixels of 2 mm it has 6400 mm2. Nothing warns, and 1 mm to 1
# mm shows nothing. No report found. Expected: 400 mm2. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check DICaugment==1.0.7 setuptools==80.9.0 numpy==1.26.4
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import dicaugment
import numpy as np

scan = np.full((40, 40, 4), -50, dtype=np.int16)
lung = np.zeros(scan.shape, dtype=np.uint8)
lung[10:30, 10:30] = 1
header = {"PixelSpacing": (1.0, 1.0), "RescaleIntercept": 0, "RescaleSlope": 1}
print(f"DICaugment {version('DICaugment')}, numpy {np.__version__}")
found = {}
for wanted in (1.0, 0.5, 2.0):
    change = dicaugment.Compose([dicaugment.SetPixelSpacing(space_x=wanted, space_y=wanted)])
    result = change(image=scan, mask=lung, dicom=header)
    spacing = result["dicom"]["PixelSpacing"]
    area = np.count_nonzero(result["mask"][:, :, 0]) * spacing[0] * spacing[1]
    extent = [pixels * length for pixels, length in zip(result["image"].shape, spacing, strict=False)]
    found[wanted] = result["image"].shape[:2], area
    print(f"to {wanted} mm: {result['image'].shape[:2]} pixels of {spacing} mm, {extent} mm; lung {area:.0f} mm2")
sys.exit(0 if found == {1.0: ((40, 40), 400), 0.5: ((20, 20), 25), 2.0: ((80, 80), 6400)} else 1)
PYTHON
