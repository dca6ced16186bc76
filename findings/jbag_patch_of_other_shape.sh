#!/bin/sh
# jbag 4.6.3's SpatialTransform stretches a patch whose axes are not the same part of the image each: it has the grid's
# coordinates in PyTorch's order (x, y, z: last axis first) and divides them by the axes' ratios of image and patch in
# the order of the axes. From an image of 64 x 64 x 16 voxels (thick slices) a patch of 32 x 32 x 16, scaled by 1, has
# all 64 voxels of the first axis squeezed into its 32, and the middle 8 of 16 slices stretched over all of them,
# instead of the middle 32 and all 16. Not scaled, rotated or deformed, as chance has it, the patch starts a voxel too
# late along each axis, and has 15 slices. Image and labels are wrong alike, nothing warns. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 scikit-image==0.26.0 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps jbag==4.6.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import distribution, version
from types import ModuleType

import numpy as np
import torch

package = ModuleType("jbag")  # without its tables, models and logs
package.__path__ = [str(distribution("jbag").locate_file("jbag"))]
sys.modules["jbag"] = package
from jbag.transforms import SpatialTransform

print(f"jbag {version('jbag')}, torch {torch.__version__}, numpy {np.__version__}")
SHAPE, PATCH = (64, 64, 16), (32, 32, 16)
found = {}
for name, scaled in (("cut out", 0), ("scaled by 1", 1)):
    transform = SpatialTransform(["image"], 1, PATCH, p_scaling=scaled, scaling_range=(1, 1))
    found[name] = []
    for axis, size in enumerate(SHAPE):
        numbers = torch.arange(size, dtype=torch.float32).reshape([-1 if other == axis else 1 for other in range(3)])
        patch = transform({"image": numbers.expand(SHAPE)[None].clone()})["image"][0]
        middle = patch[tuple(slice(None) if other == axis else PATCH[other] // 2 for other in range(3))]
        found[name].append((int(middle[0]), int(middle[-1])))
    found[name].append(tuple(patch.shape))
    print(f"{name}: first and last voxel of the image in the patch, along each axis, and its shape: {found[name]}")
print(f"expected: {[(16, 47), (16, 47), (0, 15), PATCH]}")
wrong = {"cut out": [(17, 48), (17, 48), (1, 15), (32, 32, 15)], "scaled by 1": [(0, 62), (16, 47), (4, 11), PATCH]}
sys.exit(0 if found == wrong else 1)
PYTHON
