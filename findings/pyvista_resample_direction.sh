#!/bin/sh
# PyVista 0.49.1's ImageData.resample moves an image whose axes are not the coordinates' own: the shift of the first
# voxel that keeps the borders in place (extend_border, the default for points) goes along x, y and z, not along the
# image's axes. With the directions -1, -1, 1, as between LPS and RAS, a cube lies 1 mm further along x and y after
# resampling from 1 to 2 mm, and a tilted image is off, too. The direction matrix itself is kept. Expected: the object's
# centre where it was. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyvista==0.49.1 vtk==9.7.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import pyvista
import vtk

cos, sin = np.cos(np.radians(20)), np.sin(np.radians(20))
DIRECTIONS = {
    "axes of the coordinates": np.eye(3),
    "flipped twice": np.diag([-1.0, -1.0, 1.0]),
    "tilted": np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]),
}
print(f"PyVista {pyvista.__version__}, VTK {vtk.vtkVersion.GetVTKVersion()}, numpy {np.__version__}")
moved = {}
for name, direction in DIRECTIONS.items():
    image = pyvista.ImageData(dimensions=(20, 20, 20), direction_matrix=direction)
    cube = np.zeros((20, 20, 20))
    cube[8:12, 8:12, 8:12] = 1
    image["cube"] = cube.ravel(order="F")
    half = image.resample(0.5, interpolation="linear")
    centres = [np.average(each.points, axis=0, weights=each["cube"]) for each in (image, half)]
    moved[name] = (centres[1] - centres[0]).round(2)
    print(f"{name}: {half.dimensions} voxels of {half.spacing} mm, the cube's centre has moved by {moved[name]} mm")
still, flipped, tilted = moved.values()
sys.exit(0 if not still.any() and np.abs(flipped).max() >= 0.5 and tilted.any() else 1)
PYTHON
