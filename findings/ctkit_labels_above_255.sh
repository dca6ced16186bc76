#!/bin/sh
# ctkit 0.1.1's resample makes 8-bit numbers of a mask's labels, whatever its type is: labels above 255, as FreeSurfer's
# and other atlases have them, come out as what is left of them divided by 256. Of the labels 2, 256 and 258 in a 16-bit
# mask, 256 is background afterwards and 258 has become 2, a structure that is elsewhere ("resampled with nearest-
# neighbor so its labels stay integral"). SimpleITK, which it has resample the mask, keeps all three. Nothing warns.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 scipy==1.15.3 \
    pydantic==2.14.4 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ctkit==0.1.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from ctkit import RadiologyImage

print(f"ctkit {version('ctkit')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
scan = np.full((16, 16, 8), -1000, dtype=np.int16)
mask = np.zeros((16, 16, 8), dtype=np.uint16)
for number, label in enumerate((2, 256, 258)):
    mask[2:14, 2:14, 2 * number + 1 : 2 * number + 3] = label
image = RadiologyImage(nib.Nifti1Image(scan, np.eye(4)), mask=nib.Nifti1Image(mask, np.eye(4)))
before = image.labels
image.resample((2, 2, 1))
other = sitk.GetImageFromArray(mask.T)
other = sitk.Resample(other, (8, 8, 8), sitk.Transform(), sitk.sitkNearestNeighbor, (0, 0, 0), (2, 2, 1))
kept = [int(label) for label in np.unique(sitk.GetArrayFromImage(other)) if label]
sizes = {label: int((image.mask_array == label).sum()) for label in image.labels}
print(f"labels {before}, resampled {image.labels}, voxels {sizes}; SimpleITK {kept}")
sys.exit(0 if (before, sizes, kept) == ([2, 256, 258], {2: 144}, [2, 256, 258]) else 1)
PYTHON
