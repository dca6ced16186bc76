#!/bin/sh
# se-cli 0.1.3's mean centerline distance ("skeletonize a 2D or 3D mask") thins a 3D mask slice by slice, with
# SimpleITK's BinaryThinning, whose notes say "To do: Make this filter ND" but which takes 3D images: the "centerline"
# of a tube that runs within the slices is a sheet as thick as the tube. The same tube, 5 x 5 voxels wide and moved
# sideways by 4 mm, has a distance of 4.0 mm if it runs along z, and 2.0 if it runs along y or x: (4 + 3 + 2 + 1 + 0) /
# 5, as the sheets of 5 slices overlap in one. Nothing warns. Expected: 4. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps se-cli==0.1.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from se_cli.metrics import calculate_mcd

print(f"se-cli {version('se-cli')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
found = {}
for along, aside in ((0, 1), (1, 0), (2, 0)):
    place = [slice(8, 13)] * 3
    place[along] = slice(2, 19)
    tube = np.zeros((21, 21, 21), dtype=np.uint8)
    tube[tuple(place)] = 1
    line = sitk.GetArrayFromImage(sitk.BinaryThinning(sitk.GetImageFromArray(tube)))
    extent = (np.ptp(np.argwhere(line), axis=0) + 1).tolist()
    found["zyx"[along]] = calculate_mcd(tube, np.roll(tube, 4, axis=aside), spacing=(1, 1, 1))
    print(f"tube along {'zyx'[along]}: centerline of {np.count_nonzero(line)} voxels, extent (z, y, x) {extent}")
    print(f"  moved by 4 mm along {'zyx'[aside]}: mean centerline distance {found['zyx'[along]]:.3f} mm")
sys.exit(0 if found == {"z": 4, "y": 2, "x": 2} else 1)
PYTHON
