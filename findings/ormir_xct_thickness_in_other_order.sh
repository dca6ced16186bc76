#!/bin/sh
# ormir-xct 1.1.0's trabecular_thickness and trabecular_separation exchange the voxels' lengths along x and z: they take
# the array of a SimpleITK image, whose order is z, y, x, and the image's spacing, whose order is x, y, z. In voxels of
# 0.5 x 0.5 x 2 mm a plate of six slices, 12 mm thick, has a thickness of 3.0 mm, and a plate that is 3 mm thick along x
# has 9.7 mm on average and 11 mm at most; along y it is right, and so is all in cubes. Nothing warns. Expected: 12 and
# 3 mm. (Its modules are loaded here without the package's other ones, which need ITK and more.) Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6 scipy==1.15.3 \
    numba==0.61.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ormir-xct==1.1.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
import types
from importlib.metadata import distribution

import numpy as np
import SimpleITK as sitk

package = distribution("ormir-xct")
for name in ("ormir_xct", "ormir_xct.core", "ormir_xct.core.util", "ormir_xct.core.microarchitecture"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(package.locate_file(name.replace(".", "/")))]

from ormir_xct.core.microarchitecture.trabecular_microarchitecture import trabecular_thickness

print(f"ormir-xct {package.version}, SimpleITK {sitk.__version__}")
found = {}
for spacing in ((1, 1, 1), (0.5, 0.5, 2)):
    for axis in (2, 1, 0):  # of the array: x, y, z
        plate = np.zeros((30, 30, 30), dtype=np.uint8)
        place = [slice(4, 26)] * 3
        place[axis] = slice(12, 18)
        plate[tuple(place)] = 1
        image = sitk.GetImageFromArray(plate)
        image.SetSpacing([float(length) for length in spacing])
        mean, _, _, largest, _ = trabecular_thickness(image)
        found[spacing, "zyx"[axis]] = round(float(mean), 1), round(float(largest), 1)
        print(f"voxels of {spacing} mm, a plate of 6 voxels along {'zyx'[axis]}: {6 * spacing[2 - axis]:g} mm thick, "
              f"ormir-xct says {mean:.1f} mm, at most {largest:.1f} mm")
right = [found[(1, 1, 1), axis] == (6.0, 6.0) for axis in "xyz"] + [found[(0.5, 0.5, 2), "y"] == (3.0, 3.0)]
wrong = found[(0.5, 0.5, 2), "z"] == (3.0, 3.0) and found[(0.5, 0.5, 2), "x"] == (9.7, 11.0)
sys.exit(0 if all(right) and wrong else 1)
PYTHON
