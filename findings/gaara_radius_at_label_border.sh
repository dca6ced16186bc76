#!/bin/sh
# gaara 0.11.0's skeletonize(binary_image=True), which is to "consider the input image a binary image (foreground/bg
# only) regardless of values", measures radii as if it were not: where one label borders on another, the vessel's radius
# falls to 1. A straight tube of 11 x 11 voxels has a radius of 6 along its skeleton; with two labels, as two parts of
# an airway have, it is 1 where they meet. The skeleton itself is the same. It has edt measure the distances on the
# labels as they are, and edt measures to the next voxel of another label. Nothing warns. (Without anchors=, skeletonize
# raises an error: its own default has the wrong shape.) Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps gaara==0.11.0 osteoid==0.7.4 edt==3.1.2 \
    fastremap==1.21.0 networkx==3.6.1 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import gaara
import numpy as np
from scipy import ndimage

print(f"gaara {version('gaara')}, osteoid {version('osteoid')}, edt {version('edt')}, numpy {np.__version__}")
tube = np.zeros((21, 21, 60), dtype=np.uint8, order="F")
tube[5:16, 5:16, 2:58] = 1
parts = tube.copy(order="F")
parts[:, :, 30:][tube[:, :, 30:] > 0] = 2
distances = ndimage.distance_transform_edt(tube)
none = np.empty((0, 3), dtype=np.uint16)
found, places = {}, {}
for name, labels in (("one label", tube), ("two labels", parts)):
    skeleton, _ = gaara.skeletonize(labels, binary_image=True, anchors=none)
    order = np.argsort(skeleton.vertices[:, 2])
    places[name] = skeleton.vertices[order].astype(int)
    inside = (places[name][:, 2] >= 20) & (places[name][:, 2] < 40)
    radii = skeleton.radius[order][inside]
    found[name] = float(radii.min()), float(radii.max())
    scipy = distances[tuple(places[name][inside].T)]
    print(f"{name}: radius {found[name][0]:g} to {found[name][1]:g}, SciPy {scipy.min():g} to {scipy.max():g}")
same = np.array_equal(places["one label"], places["two labels"])
print(f"same skeleton: {same}")
sys.exit(0 if found == {"one label": (6, 6), "two labels": (1, 6)} and same else 1)
PYTHON
