#!/bin/sh
# imvis 0.1.1's resample_nifti_to(isBQML=True) changes the activity that it is to keep ("interpolation changes the voxel
# size, thus the value must be adjusted to ensure the same total activity in the image"): it multiplies by the ratio of
# the voxels' volumes. Becquerel per millilitre are a concentration, which no voxel size changes; the total is the sum
# of concentration times volume. A PET with 5000 Bq/ml in 8 cm3, 40 kBq, in voxels of 4 x 4 x 4 mm has 10000 Bq/ml and
# 80 kBq on a grid of 4 x 4 x 8 mm, and 625 Bq/ml and 5 kBq on one of 2 x 2 x 2 mm, and each SUV made of it is wrong,
# too. isBQML=False keeps 40 kBq; the ratio fits images of counts. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check imvis==0.1.1 dicom2nifti==2.6.2 pydicom==3.0.2 \
    nibabel==5.4.2 SimpleITK==2.5.7 matplotlib==3.10.8 scipy==1.15.3 numpy==2.2.6
cd "$folder"
MPLBACKEND=Agg venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from imvis import resample_nifti_to

print(f"imvis {version('imvis')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")


def grid(spacing):
    """An empty image of 64 mm along each axis, border on border."""
    image = sitk.Image([int(64 / step) for step in spacing], sitk.sitkFloat32)
    image.SetSpacing(spacing)
    image.SetOrigin([step / 2 for step in spacing])
    return image


def activity(image):
    """Largest concentration in Bq/ml and total activity in kBq."""
    values = sitk.GetArrayFromImage(image).astype(float)
    return round(values.max()), round(values.sum() * np.prod(image.GetSpacing()) / 1000 / 1000, 2)


pet = grid((4.0, 4.0, 4.0))
pet[4:9, 4:9, 4:9] = 5000.0
sitk.WriteImage(pet, "pet.nii")
found = {"PET": activity(pet)}
for spacing in ((4.0, 4.0, 8.0), (2.0, 2.0, 2.0)):
    sitk.WriteImage(grid(spacing), "reference.nii")
    for concentration in (False, True):
        resample_nifti_to("pet.nii", "reference.nii", "out.nii", isBQML=concentration)
        found[spacing, concentration] = activity(sitk.ReadImage("out.nii"))
for name, (highest, total) in found.items():
    print(f"{name}: {highest} Bq/ml, {total} kBq")
kept = all(found[spacing, False] == found["PET"] == (5000, 40.0) for spacing in ((4.0, 4.0, 8.0), (2.0, 2.0, 2.0)))
wrong = found[(4.0, 4.0, 8.0), True] == (10000, 80.0) and found[(2.0, 2.0, 2.0), True] == (625, 5.0)
sys.exit(0 if kept and wrong else 1)
PYTHON
