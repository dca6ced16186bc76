#!/bin/sh
# ctkit 0.1.1's apply_mask ("crop to what is left", "the ROI bounding box") crops to the voxels that are brighter than
# its fill value, not to the mask, and cuts the rest of the mask off with the image. The fill value is the image's least
# one, which after clip() is also the value of all that was below the window: with the default window, -200 to 300 HU, a
# lung of 4000 mm3 with a nodule becomes a mask of 1960 mm3, the nodule and 5 voxels around it, and without a nodule it
# is not cropped. Unclipped, the same lung keeps its 4000 mm3. Nothing warns. Expected: the mask's box, whatever the
# values. Ends with 1 when that changes.
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
from ctkit import RadiologyImage

print(f"ctkit {version('ctkit')}, nibabel {nib.__version__}, numpy {np.__version__}")
scan = np.full((40, 40, 20), -1000, dtype=np.int16)
scan[10:30, 10:30, 5:15] = -850
mask = (scan == -850).astype(np.uint8)
scan[18:22, 18:22, 8:12] = 40
found = {}
for name in ("as it is", "clipped"):
    image = RadiologyImage(nib.Nifti1Image(scan, np.eye(4)), mask=nib.Nifti1Image(mask, np.eye(4)))
    if name == "clipped":
        image.clip()
    before = int(image.mask_array.sum())
    image.apply_mask()
    found[name] = before, int(image.mask_array.sum()), image.shape
    print(f"{name}: lung of {before} mm3, after apply_mask {found[name][1]} mm3, image {found[name][2]}")
print("the mask's box and 5 voxels around it: (30, 30, 20)")
sys.exit(0 if found == {"as it is": (4000, 4000, (30, 30, 20)), "clipped": (4000, 1960, (14, 14, 14))} else 1)
PYTHON
