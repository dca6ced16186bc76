#!/bin/sh
# scikit-rt 0.8.2 leaves the voxels without dose out: "all of the dose values for the voxels inside an ROI" are those
# above 0, and its mean dose, its quantiles and its dose-volume histogram are made of them. Of a lung whose one half
# has 20 Gy and whose other half, beyond the field's edge, has 0 Gy, the mean lung dose is 20 Gy in place of 10 and the
# volume with at least 5 Gy (V5 in the histogram) the whole lung; a mean of 2 Gy for a field that grazes a tenth of the
# lung is 20 as well. Planning systems write 0 where the dose is below a threshold. Nothing warns. Expected: the mean
# over the mask, by hand. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 scipy==1.11.4 matplotlib==3.8.4 \
    pandas==2.2.3 nibabel==5.2.1 pydicom==2.4.4 scikit-image==0.22.0 shapely==2.0.7 tomli==2.0.2 tomli-w==1.0.0 \
    SimpleITK==2.3.1 ipywidgets==8.1.7
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps scikit-rt==0.8.2
HOME="$folder" MPLBACKEND=Agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from skrt import Dose
from skrt.structures import ROI

print(f"scikit-rt {version('scikit-rt')}, numpy {np.__version__}")
lung = np.zeros((20, 24, 10), dtype=bool)
lung[4:16, 2:22, 2:8] = True
found = {}
for columns in (10, 2):  # of the lung's 20
    grid = np.zeros(lung.shape)
    grid[:, : 2 + columns] = 20
    dose = Dose(grid, voxel_size=(2, 2, 2), origin=(0, 0, 0))
    roi = ROI(lung, name="lung", voxel_size=(2, 2, 2), origin=(0, 0, 0))
    values = dose.get_dose_in_roi(roi)
    mean, quantile = float(dose.get_mean_dose(roi)), float(dose.get_dose_quantile(roi, 0.25))
    found[columns] = mean, quantile, len(values), float(grid[lung].mean())
    print(f"{columns} of 20 columns in the field: mean {mean}, lower quartile {quantile} Gy, of {len(values)} voxels;")
    print(f"  by hand {grid[lung].mean()} Gy, {np.quantile(grid[lung], 0.25)} Gy, of {lung.sum()} voxels")
sys.exit(0 if found == {10: (20.0, 20.0, 720, 10.0), 2: (20.0, 20.0, 144, 2.0)} else 1)
PYTHON
