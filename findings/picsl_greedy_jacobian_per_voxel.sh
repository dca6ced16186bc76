#!/bin/sh
# picsl-greedy 1.4.0.3 (Greedy, a registration of 2D and 3D scans) writes wrong volume changes with -rj ("write Jacobian
# determinant image"): it takes the warp, which is in millimetres along x, y and z (LPS), and divides its differences
# between voxels by neither the voxels' size nor the axes' directions. A warp that widens all by 20 % along x and 10 %
# along y makes 1.32 of each volume. Cubes of 1 mm with axes along x, y and z have that; voxels of 0.7 x 0.7 x 2.5 mm
# have 1.22, and axes along -x and -y, as most NIfTI files have them, 0.72, a lung that shrinks. Its own -rm moves the
# image rightly by the same warp. Nothing warns. Expected: 1.32 thrice. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps picsl-greedy==1.4.0.3
cd "$folder"
venv/bin/python - <<'PYTHON'
import io
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from picsl_greedy import Greedy3D

print(f"picsl-greedy {version('picsl-greedy')}, SimpleITK {sitk.__version__}")
size, found = 20, {}
numbers = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1)
for signs, spacing in (((1, 1, 1), (1, 1, 1)), ((1, 1, 1), (0.7, 0.7, 2.5)), ((-1, -1, 1), (1, 1, 1))):
    points = numbers * np.multiply(signs, spacing)
    shift = (points - points[10, 10, 10]) * (0.2, 0.1, 0)  # mm, about the middle
    image = sitk.GetImageFromArray(points[..., 0].T.astype(np.float32))  # each voxel's own x
    image.SetSpacing([float(length) for length in spacing])
    image.SetDirection(np.diag([float(sign) for sign in signs]).ravel())
    warp = sitk.GetImageFromArray(shift.transpose(2, 1, 0, 3).astype(np.float32), isVector=True)
    warp.CopyInformation(image)
    sitk.WriteImage(image, "x.nii.gz")
    sitk.WriteImage(warp, "warp.nii.gz")
    text = io.StringIO()
    command = "-d 3 -threads 1 -rf x.nii.gz -rm x.nii.gz moved.nii.gz -r warp.nii.gz -rj jacobian.nii.gz"
    Greedy3D().execute(command, out=text, err=text)
    moved = sitk.ReadImage("moved.nii.gz")
    along_x = (moved[11, 10, 10] - moved[9, 10, 10]) / (image[11, 10, 10] - image[9, 10, 10])
    determinant = sitk.ReadImage("jacobian.nii.gz")[10, 10, 10]
    found[signs, spacing] = round(along_x, 2), round(determinant, 2)
    print(f"axes {signs}, voxels {spacing} mm: the image is {along_x:.2f} times as wide along x (1.20 expected), "
          f"the determinant {determinant:.2f} (1.32 expected)")
sys.exit(0 if list(found.values()) == [(1.2, 1.32), (1.2, 1.22), (1.2, 0.72)] else 1)
PYTHON
