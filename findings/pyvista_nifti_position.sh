#!/bin/sh
# PyVista 0.49.1 saves an ImageData as NIfTI without its direction, and reads any NIfTI without direction and origin: a
# tilted scan of nibabel's comes back straight at (0, 0, 0), without a warning. A legacy .vtk is refused with an error
# because it cannot hold the direction, and .vti keeps both. VTK's NIfTI reader has the place in GetQFormMatrix and
# GetSFormMatrix, and its writer takes it there; PyVista uses neither. Expected: voxels where they were, or an error.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyvista==0.49.1 vtk==9.7.2 nibabel==5.4.2 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import nibabel
import numpy as np
import pyvista
import vtk

cos, sin = np.cos(np.radians(20)), np.sin(np.radians(20))
TILTED = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
image = pyvista.ImageData(dimensions=(4, 5, 6), spacing=(1, 2, 3), origin=(10, 20, 30), direction_matrix=TILTED)
image["values"] = np.arange(image.n_points, dtype=np.int16)
print(f"PyVista {pyvista.__version__}, VTK {vtk.vtkVersion.GetVTKVersion()}, nibabel {nibabel.__version__}")
image.save("image.nii.gz")
written = nibabel.load("image.nii.gz").affine
print(f"directions written to NIfTI: {(written[:3, :3] / [1, 2, 3]).round(2).tolist()}")
kept = {}
affine = np.eye(4)
affine[:3, :3], affine[:3, 3] = TILTED * [1, 2, 3], [10, 20, 30]
nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), dtype=np.int16), affine), "nibabel.nii.gz")
image.save("image.vti")
for name in ("image.vti", "nibabel.nii.gz"):
    read = pyvista.read(name)
    kept[name] = bool(np.allclose(read.points, image.points))
    print(f"{name}: origin {read.origin}, directions {np.asarray(read.direction_matrix).round(2).tolist()}")
straight = np.allclose(written[:3, :3], np.diag([1, 2, 3]))
sys.exit(0 if straight and kept == {"image.vti": True, "nibabel.nii.gz": False} else 1)
PYTHON
