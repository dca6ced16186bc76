#!/bin/sh
# mrid-python 0.1.8's apply_mask drops voxels that the mask keeps: it turns the mask into the image's type before it
# asks for values above 0, although its text says that "all values where mask > 0 are kept". With a CT of 16 bits a mask
# of probabilities or of shares of voxels keeps only the voxels of 1: 0.4 and 0.9 become 0. With an image of 8 bits the
# label 256 of a mask of 16 bits becomes 0 too. The dropped voxels get the least value that is left; nothing warns.
# Expected: each voxel above 0 kept. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mrid-python==0.1.8 SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from mrid.preprocessing.mask import apply_mask

print(f"mrid-python {version('mrid-python')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
found = {}
for image_kind, mask_kind, mask_values in (
    (np.float32, np.float32, [0, 0.4, 0.9, 1]),
    (np.int16, np.float32, [0, 0.4, 0.9, 1]),
    (np.uint8, np.uint16, [0, 1, 255, 256]),
):
    image = np.array([[[10, 20, 30, 40]]], dtype=image_kind)
    mask = np.array([[mask_values]], dtype=mask_kind)
    masked = sitk.GetArrayFromImage(apply_mask(sitk.GetImageFromArray(image), sitk.GetImageFromArray(mask)))
    found[image_kind] = masked.ravel().tolist()
    expected = np.where(mask > 0, image, image[mask > 0].min()).ravel().tolist()
    print(f"image {np.dtype(image_kind)} {image.ravel().tolist()}, mask {np.dtype(mask_kind)} {mask_values}:")
    print(f"   {found[image_kind]}, expected {expected}")
right = found[np.float32] == [20, 20, 30, 40]
sys.exit(0 if right and found[np.int16] == [40] * 4 and found[np.uint8] == [20, 20, 30, 20] else 1)
PYTHON
