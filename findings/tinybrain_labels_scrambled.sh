#!/bin/sh
# tinybrain 1.7.0's downsample_segmentation(labels, (2, 2, 2)) takes an array of NumPy's default order (C) for one of
# Fortran's order: it reads the voxels with the axes in reverse. Of an image of 32 x 40 x 48 voxels with two lungs, 38 %
# of the blocks get another label than all their eight voxels have; in a cube the axes are exchanged. The same array in
# Fortran order and a factor of (2, 2, 1) in either order are right. Nothing warns; the README speaks of orders for
# averaging alone, where others than Fortran's are slower. Expected: "the most frequent pixel in a patch", whatever the
# order in memory is. np.asfortranarray helps. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tinybrain==1.7.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import tinybrain

print(f"tinybrain {version('tinybrain')}, numpy {np.__version__}")
labels = np.zeros((32, 40, 48), dtype=np.uint8)
labels[4:28, 8:32, 4:20] = 1  # all borders lie between blocks of 2, so that each block has one label
labels[4:28, 8:32, 28:44] = 2
found = {}
for factor in ((2, 2, 1), (2, 2, 2)):
    expected = labels[tuple(slice(None, None, step) for step in factor)]
    for order in "FC":
        small = tinybrain.downsample_segmentation(np.array(labels, order=order), factor)[0]
        wrong = (small != expected).mean()
        found[factor, order] = wrong
        print(f"factor {factor}, order {order}: {small.shape}, {wrong:.0%} of the blocks have another label")
cube = np.zeros((8, 8, 8), dtype=np.uint8)
cube[:, :, 4:] = 1
turned = tinybrain.downsample_segmentation(cube, (2, 2, 2))[0]
print("a cube with label 1 in the last axis' second half:", turned[0, 0].tolist(), "along it after,", end=" ")
print(turned[:, 0, 0].tolist(), "along the first one")
exchanged = turned[0, 0].tolist() == [0, 0, 0, 0] and turned[:, 0, 0].tolist() == [0, 0, 1, 1]
right = not any(wrong for (factor, order), wrong in found.items() if (factor, order) != ((2, 2, 2), "C"))
sys.exit(0 if right and exchanged and found[(2, 2, 2), "C"] > 0.3 else 1)
PYTHON
