#!/bin/sh
# tomio 0.2.0's interpolate_roi (resample with method="roi") moves a mask that it brings to finer voxels, and loses it
# where an axis runs the other way: it copies each voxel to its middle and the n - 1 fine voxels after it, not around
# it, and counts these with numpy's arange, which gives none where n is negative. A mask of 8 x 8 x 8 mm in voxels of
# 4 mm lies 2 mm too far along the two axes that get voxels of 1 mm, and the same mask stored as RAS instead of LPS is
# empty. "each ROI voxel is copied to the nearest `ref` voxel(s)". Its own method="spline1" and SimpleITK leave both in
# place. Nothing warns. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tomio==0.2.0 SimpleITK==2.5.7 scipy==1.15.3 \
    PyYAML==6.0.4 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from tomio import interp
from tomio.volume import Volume, to_sitk


def middle(volume):
    """The middle of a mask in mm and its size in mm3."""
    voxels = np.argwhere(np.asarray(volume))
    if not len(voxels):
        return None, 0.0
    return volume.get_coords(voxels.mean(axis=0)).round(2).tolist(), float(len(voxels) * np.prod(volume.spacing))


array = np.zeros((10, 10, 10), dtype=np.uint8)
array[3:5, 3:5, 3:5] = 1
mask = Volume(array, spacing=(4, 4, 4), origin=(1.5, 1.5, 1.5))  # each voxel covers 4 x 4 of ref's, border on border
ref = Volume(np.zeros((40, 40, 10), dtype=np.uint8), spacing=(1, 1, 4), origin=(0, 0, 1.5))
print(f"tomio {version('tomio')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
found = {}
for name, stored in (("LPS", mask), ("RAS", mask[::-1, ::-1])):
    nearest = sitk.Resample(to_sitk(stored), to_sitk(ref), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    found[name] = [
        middle(stored),
        middle(interp.interpolate_roi(ref, stored, axis=2)),
        middle(interp.interpolate_roi(ref, stored, axis=2, method="spline1")),
        middle(Volume(sitk.GetArrayFromImage(nearest).T, **ref.header)),
    ]
    for what, (place, volume) in zip(("mask", "roi", "roi, spline1", "SimpleITK"), found[name], strict=True):
        print(f"{name}: {what}: middle {place} mm, {volume:.0f} mm3")
    found[name] = [place for place, _ in found[name]]
right = [15.5, 15.5, 15.5]
wrong = {"LPS": [right, [17.5, 17.5, 15.5], right, right], "RAS": [right, None, right, right]}
sys.exit(0 if found == wrong else 1)
PYTHON
