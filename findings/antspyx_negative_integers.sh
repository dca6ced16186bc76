#!/bin/sh
# antspyx 0.6.3's from_numpy (and new_image_like) makes unsigned 32-bit pixels of any signed integer array, without a
# warning: -1024 HU of an int16 CT becomes 4294966272, and a mean or a resampling is of such values. ANTs has no signed
# integer pixels, so that float pixels are expected, as image_read makes them of the same values in a file of int16.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check antspyx==0.6.3 nibabel==5.4.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import ants
import nibabel
import numpy as np

VALUES = [-1024, -700, 40, 3000]
scan = np.array(VALUES, dtype=np.int16).reshape(4, 1, 1).repeat(3, axis=1).repeat(3, axis=2)
nibabel.save(nibabel.Nifti1Image(scan, np.eye(4)), "scan.nii")
read = ants.image_read("scan.nii")
made = {"image_read": read, "new_image_like": read.new_image_like(scan)}
made |= {f"from_numpy of {kind}": ants.from_numpy(scan.astype(kind)) for kind in ("int16", "int32", "float32")}
print(f"antspyx {version('antspyx')}, numpy {np.__version__}")
found = {}
for name, image in made.items():
    found[name] = [int(value) for value in image.numpy()[:, 0, 0]]
    print(f"{name}: {image.pixeltype}, {found[name]}")
wrapped = [value % 2**32 for value in VALUES]
right = found["image_read"] == VALUES == found["from_numpy of float32"]
wrong = [found[name] == wrapped for name in ("new_image_like", "from_numpy of int16", "from_numpy of int32")]
sys.exit(0 if right and all(wrong) else 1)
PYTHON
