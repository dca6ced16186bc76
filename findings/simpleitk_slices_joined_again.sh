#!/bin/sh
# SimpleITK 2.5.7's Extract and JoinSeries lose the tilt of a scan whose slices go through a 2D filter one by one:
# Extract keeps the upper left part of the direction matrix, which is no rotation any more (a column of length 0.8
# here), and JoinSeries takes it over and adds 0, 0, 1. With the scan's origin and spacing the joined mask's last voxel
# lies 13.7 mm beside the scan's, its rows are 0.8 mm apart where the spacing says 1, and its volume, by spacing, is as
# before. Nothing warns, and straight scans show nothing; slices by image[:, :, z] raise an error in JoinSeries, since
# their origins differ. No report found. Expected: that error, or the scan's directions; CopyInformation gives them.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk

mask = np.zeros((20, 20, 20), dtype=np.uint8)
mask[5:15, 5:15, 5:15] = 1
print(f"SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
found = {}
for name, turn in (("straight", [1, 0, 0, 1]), ("tilted", [0.8, -0.6, 0.6, 0.8])):
    whole = sitk.GetImageFromArray(mask)
    whole.SetOrigin([10, 20, 30])
    whole.SetDirection([1, 0, 0, 0, *turn[:2], 0, *turn[2:]])
    slices = [sitk.Extract(whole, [20, 20, 0], [0, 0, number]) for number in range(whole.GetDepth())]
    closed = [sitk.BinaryMorphologicalClosing(plane, [1, 1]) for plane in slices]
    joined = sitk.JoinSeries(closed, whole.GetOrigin()[2], whole.GetSpacing()[2])
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(joined)
    corner = [size - 1 for size in whole.GetSize()]
    places = np.array([image.TransformIndexToPhysicalPoint(corner) for image in (whole, joined)])
    same = np.array_equal(sitk.GetArrayFromImage(joined), mask)
    distance = float(np.linalg.norm(places[0] - places[1]))
    determinant = float(np.linalg.det(np.reshape(joined.GetDirection(), (3, 3))))
    found[name] = [same, round(distance, 1), round(determinant, 3), shape.GetPhysicalSize(1)]
    print(f"{name}: last voxel at {places[0].round(1).tolist()} and, joined, {places[1].round(1).tolist()} mm")
    print(f"  same voxels {same}, {distance:.1f} mm apart, determinant {determinant:.1f}, volume {found[name][3]} mm3")
    print("  directions:", *np.reshape(joined.GetDirection(), (3, 3)).tolist(), "spacing:", joined.GetSpacing())
try:
    sitk.JoinSeries([whole[:, :, number] for number in range(whole.GetDepth())], 30, 1)
    refused = False
except RuntimeError as error:
    refused = True
    print("image[:, :, z]:", str(error).split("): ")[-1].splitlines()[0])
wrong = {"straight": [True, 0, 1, 1000], "tilted": [True, 13.7, 0.8, 1000]}
sys.exit(0 if found == wrong and refused else 1)
PYTHON
