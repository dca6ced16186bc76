#!/bin/sh
# radifox-utils 1.0.7's update_affine, which gives the affine of an image resampled to another resolution, tilts a scan
# of a tilted gantry more than it is: it takes the affine apart into zooms and shears, and puts the new zooms together
# with the old shears. Slices of 5 mm, each 1.5 mm further back than the last (16.7 degrees), become slices of 1 mm
# that are 1.5 mm further back each (56 degrees): after 300 mm the image lies 359 mm off. The first voxel is 0.6 mm off
# too. An affine without shear is right. Expected: the columns times the scales, 0.3 mm for each slice of 1 mm, and the
# first voxel's corner where it was. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transforms3d==0.4.2 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps radifox-utils==1.0.7
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from radifox.utils.resize.affine import update_affine

print(f"radifox-utils {version('radifox-utils')}, transforms3d {version('transforms3d')}, numpy {np.__version__}")
scales = np.array([1, 1, 0.2])
corner = np.array([-0.5, -0.5, -0.5, 1])
errors = {}
for name, back in (("upright", 0), ("tilted", 1.5)):
    affine = np.array([[1, 0, 0, 10], [0, 1, back, 20], [0, 0, 5, 30], [0, 0, 0, 1.0]])
    expected = affine.copy()
    expected[:3, :3] *= scales
    expected[:3, 3] += affine[:3, :3] @ (scales - 1) / 2
    assert np.allclose(expected @ corner, affine @ corner)
    found = update_affine(affine, scales.tolist())
    last = np.array([0, 0, 299, 1])  # the last of 300 slices of 1 mm
    errors[name] = round(float(np.linalg.norm((found - expected) @ last)), 1)
    print(f"{name}: slices of 1 mm step {found[:3, 2].round(3)} mm, expected {expected[:3, 2].round(3)}")
    print(f"   first voxel {found[:3, 3].round(3)}, expected {expected[:3, 3].round(3)}; slice 300 off by {errors[name]} mm")
sys.exit(0 if errors["upright"] == 0 and errors["tilted"] > 300 else 1)
PYTHON
