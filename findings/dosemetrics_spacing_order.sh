#!/bin/sh
# dosemetrics 0.4.1 multiplies slices by the spacing of columns: its readers give a mask as (z, y, x) and the spacing as
# (x, y, z), and compute_hausdorff_distance, its 95th percentile, compute_mean_surface_distance and the centroid pair
# them one by one. In voxels of 0.7 x 0.7 x 5 mm a cube that is found two slices too high is 1.4 mm away instead of 10,
# and one that is two columns beside 10 mm instead of 1.4. Volumes and Dice are right. Expected: 10 and 1.4 mm. Ends
# with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numba==0.61.2 pandas==2.3.3 matplotlib==3.11.2 \
    scikit-image==0.26.0 pydicom==3.0.2 SimpleITK==2.5.7 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps dosemetrics==0.4.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from dosemetrics.io.nifti_io import read_nifti_structure
from dosemetrics.metrics.geometric import compute_hausdorff_distance

print(f"dosemetrics {version('dosemetrics')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
SPACING = 0.7, 0.7, 5.0
truth = np.zeros((12, 12, 12), dtype=np.uint8)
truth[4:7, 4:7, 4:7] = 1
masks = {"truth": truth, "two slices up": np.roll(truth, 2, axis=0), "two columns beside": np.roll(truth, 2, axis=2)}
structures = {}
for name, mask in masks.items():
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, "mask.nii")
    structures[name] = read_nifti_structure("mask.nii", name=name)
reference = structures.pop("truth")
print(f"mask of {reference.mask.shape} voxels (z, y, x), spacing {reference.spacing} (x, y, z)")
found = []
for name, structure in structures.items():
    distances = [compute_hausdorff_distance(structure, reference, percentile) for percentile in (None, 95)]
    found.append([round(distance, 2) for distance in distances])
    print(f"{name}: Hausdorff distance and its 95th percentile {found[-1]} mm")
sys.exit(0 if found == [[1.4, 1.4], [10, 10]] else 1)
PYTHON
