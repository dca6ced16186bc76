#!/bin/sh
# medrs 0.2.0 saves an image after crop_or_pad with its voxels in the wrong order, and one after flip not flipped: it
# seems to write the memory as it is, whatever the array's order is. A cube in a mask of 8 x 8 x 8 voxels, padded to 10
# x 10 x 12, is right in to_numpy and spread in the file that save writes; the number of voxels stays, and there is no
# error. A flip along x is in to_numpy and not in the file; reorient is in both. Expected: the file holds what to_numpy
# gives. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check medrs==0.2.0 nibabel==5.4.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import medrs
import nibabel as nib
import numpy as np


def box(array: np.ndarray) -> str:
    """Give the number of voxels of a mask and their first and last index along each axis."""
    where = np.argwhere(array)
    return f"{len(where)} voxels from {where.min(axis=0).tolist()} to {where.max(axis=0).tolist()}"


print(f"medrs {version('medrs')}, nibabel {nib.__version__}, numpy {np.__version__}")
mask = np.zeros((8, 8, 8), dtype=np.uint8)
mask[1:4, 1:4, 1:4] = 1
nib.save(nib.Nifti1Image(mask, np.eye(4)), "mask.nii")
image = medrs.load("mask.nii")
found = {}
for name, changed in (
    ("reorient", image.reorient("LPS")),
    ("crop_or_pad", image.crop_or_pad([10, 10, 12])),
    ("flip", image.flip([0])),
):
    changed.save("./changed.nii")
    saved = nib.load("changed.nii").get_fdata()
    found[name] = np.array_equal(saved, changed.to_numpy())
    print(f"{name}: {box(changed.to_numpy())}; in the file {box(saved)}: same {found[name]}")
sys.exit(0 if found == {"reorient": True, "crop_or_pad": False, "flip": False} else 1)
PYTHON
