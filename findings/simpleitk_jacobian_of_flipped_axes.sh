#!/bin/sh
# SimpleITK 2.5.7's DisplacementFieldJacobianDeterminant, which a local ventilation from two breaths is made of, leaves
# the direction matrix out: it takes differences along the voxels' axes for those along x, y and z. In a field that
# widens all by 20, 10 and 5 % along x, y and z, the volume grows to 1.386 everywhere. With axes along x, y and z it
# says so; with columns and rows that run the other way, as most NIfTI files have them, it says 0.756, a lung that
# shrinks, for a sagittal scan 1.001 and for a coronal one 1.206. Nothing warns. ITK's issue 5358 (2025) reports it and
# a fix was merged then (5390), which this release, of 2026, lacks. Expected: 1.386, as by the points that the same
# field's transform moves. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk

print(f"SimpleITK {sitk.__version__}")
axes = {
    "x, y, z": np.eye(3),
    "-x, -y, z": np.diag([-1.0, -1, 1]),
    "sagittal": np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}
size, spacing, found = 16, (0.7, 0.8, 2.5), {}
numbers = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1)
for name, direction in axes.items():
    points = numbers @ (direction * spacing).T
    moved = points * (1.2, 1.1, 1.05)
    field = sitk.GetImageFromArray((moved - points).transpose(2, 1, 0, 3), isVector=True)
    field.SetSpacing(spacing)
    field.SetDirection(direction.ravel())
    determinant = float(sitk.DisplacementFieldJacobianDeterminant(field)[8, 8, 8])
    transform = sitk.DisplacementFieldTransform(sitk.Image(field))
    middle = points[8, 8, 8]
    steps = 0.1 * np.eye(3)
    ends = [np.subtract(transform.TransformPoint(middle + step), transform.TransformPoint(middle)) for step in steps]
    by_points = np.linalg.det(np.array(ends) / 0.1)
    found[name] = round(determinant, 3), round(float(by_points), 3)
    print(f"axes {name}: the filter says {found[name][0]}, the moved points {found[name][1]}")
wrong = {"x, y, z": 1.386, "-x, -y, z": 0.756, "sagittal": 1.001, "coronal": 1.206}
sys.exit(0 if found == {name: (value, 1.386) for name, value in wrong.items()} else 1)
PYTHON
