#!/bin/sh
# PyMIC 0.6.2's resample_sitk_image_to_given_spacing exchanges the ratios of columns and rows, and loses the place: it
# has the ratios for z, x and y where its array has z, y and x, and does not set the origin. A coronal scan, as NIfTI
# stores it, of 20 x 4 x 20 voxels of 1 x 5 x 1 mm, a cube of 20 mm, becomes 100 x 4 x 20 voxels of 1 x 1 x 1 mm: the
# first axis, which needed nothing, is stretched five times, and the thick slices stay 4. Its first voxel moves from
# (-100, -50, 30) to (0, 0, 0) mm. With square pixels only the place is lost. Nothing warns ("Target spacing along x, y,
# z direction"). Expected: 20 x 20 x 20 voxels at their place; SimpleITK's Resample gives them. No report found. Ends
# with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 h5py==3.14.0 pandas==2.3.3 \
    pillow==12.0.0 SimpleITK==2.5.7 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps PyMIC==0.6.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from pymic.util.image_process import resample_sitk_image_to_given_spacing

print(f"PyMIC {version('PyMIC')}, SimpleITK {sitk.Version.VersionString()}, scipy {version('scipy')}")
origin = (-100.0, -50.0, 30.0)
found = {}
for name, size, spacing in (("coronal", (20, 4, 20), (1.0, 5.0, 1.0)), ("axial", (20, 20, 4), (1.0, 1.0, 5.0))):
    scan = sitk.GetImageFromArray(np.zeros(size[::-1], dtype=np.float32))
    scan.SetSpacing(spacing)
    scan.SetOrigin(origin)
    result = resample_sitk_image_to_given_spacing(scan, (1.0, 1.0, 1.0), order=1)
    found[name] = result.GetSize(), result.GetOrigin()
    print(f"{name} scan of {size} voxels of {spacing} mm at {origin}: {result.GetSize()} voxels of")
    print(f"    {result.GetSpacing()} mm at {result.GetOrigin()}")
wrong = {"coronal": ((100, 4, 20), (0, 0, 0)), "axial": ((20, 20, 20), (0, 0, 0))}
sys.exit(0 if found == wrong else 1)
PYTHON
