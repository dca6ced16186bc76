#!/bin/sh
# ormir-pyvoxel 0.0.11's apply_window takes the window's centre for its width where the VOI LUT Function is SIGMOID:
# exp(-4 (x - centre) / centre), where PS3.3 C.11.2.1.3.1 divides by the width. The lung window -600/1500 turns the
# scan into its negative, as the centre is below 0: air, -1000 HU, is 0.94 of white and not 0.26, and bone 0.00 and not
# 0.94. With 40/400 water, 0 HU, has 0.02 in place of 0.40. LINEAR is right. And inplace=False, the default,
# overwrites the scan all the same if it is of floats already, with any function: its -1000 HU are 0.23 afterwards.
# Nothing warns. A scan's clone() with mode="LINEAR" is safe from both. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ormir-pyvoxel==0.0.11 pydicom==3.0.2 nibabel==5.4.2 \
    numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from voxel import MedicalVolume

print(f"ormir-pyvoxel {version('ormir-pyvoxel')}, numpy {np.__version__}")
hounsfield = np.array([-1000, -600, 0, 400], dtype=float)
wrong = []
for centre, width in ((-600, 1500), (40, 400)):
    for mode in ("SIGMOID", "LINEAR"):
        scan = MedicalVolume(hounsfield.copy().reshape(1, 1, 4), np.eye(4))
        grey = scan.apply_window(center=centre, width=width, output_range=(0, 1), mode=mode, dtype=float).A.ravel()
        if mode == "SIGMOID":
            expected = 1 / (1 + np.exp(-4 * (hounsfield - centre) / width))
        else:
            expected = np.clip((hounsfield - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
        kept = bool((scan.A.ravel() == hounsfield).all())
        print(f"{centre}/{width} {mode}: {grey.round(2)}, expected {expected.round(2)}, scan kept: {kept}")
        wrong.append((bool(np.allclose(grey, expected)), kept))
sys.exit(0 if wrong == [(False, False), (True, False)] * 2 else 1)
PYTHON
