#!/bin/sh
# pykarambola 0.7.0's minkowski_tensors_from_label_image counts a cavity as an object if it is to find the objects
# itself (autolabel=True, "detect connected components automatically"): it takes connected parts of the surface for
# objects. A block of 12 x 12 x 12 voxels with a hole of 4 x 4 x 4 in it, 1664 voxels, is two objects of 1711 and -59
# voxels (volumes of smoothed meshes); a warning speaks of inverted faces. With autolabel=False the same image has one
# object, of 1652. Expected: one object, as SciPy's label finds. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pykarambola==0.7.0 scikit-image==0.26.0 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from pykarambola import minkowski_tensors_from_label_image
from scipy import ndimage

print(f"pykarambola {version('pykarambola')}, numpy {np.__version__}")
block = np.zeros((20, 20, 20), dtype=np.int32)
block[4:16, 4:16, 4:16] = 1
block[8:12, 8:12, 8:12] = 0
print(f"{np.count_nonzero(block)} voxels, SciPy's label: {ndimage.label(block)[1]} object")
found = {}
for autolabel in (False, True):
    objects, number = minkowski_tensors_from_label_image(
        block, autolabel=autolabel, return_count=True, compute=["w000"], compute_eigensystems=False
    )
    found[autolabel] = number, [round(float(values["w000"])) for values in objects.values()]
    print(f"autolabel={autolabel}: {number} objects, volumes {found[autolabel][1]}")
sys.exit(0 if found == {False: (1, [1652]), True: (2, [1711, -59])} else 1)
PYTHON
