#!/bin/sh
# cardio 2026.3.2's reset_direction ("Reset image direction to identity matrix, preserving physical extent") is wrong
# for coronal and sagittal scans: it takes the axes' order for its inverse, and turns round the array's axes by the
# numbers of the image's. A voxel of a sagittal scan at (15, 24, 24) mm comes to lie at (26, 40, 29), voxels of 1 mm
# from front to back, 2 mm in height and 5 mm thick slices become 2, 5 and 1 mm along x, y and z instead of 5, 1 and 2,
# and a coronal scan is upside down and elsewhere. Scans in axial slices (LPS, RAS) are right. Its viewer shows images
# and segmentations so. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps cardio==2026.3.2 itk-core==5.4.7
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.util
import sys
from importlib.metadata import distribution, version

import itk
import numpy as np

# The module alone: the package itself loads a web server and its viewer.
path = distribution("cardio").locate_file("cardio/orientation.py")
specification = importlib.util.spec_from_file_location("orientation", path)
orientation = importlib.util.module_from_spec(specification)
specification.loader.exec_module(orientation)

print(f"cardio {version('cardio')}, itk-core {version('itk-core')}, numpy {np.__version__}")
VIEWS = {  # columns: the patient's direction of the image's x, y and z
    "axial": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "axial, RAS": [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
    "coronal": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "sagittal": [[0, 0, 1], [1, 0, 0], [0, -1, 0]],
}
found = {}
for name, direction in VIEWS.items():
    array = np.zeros((4, 5, 6), dtype=np.int16)
    array[1, 3, 4] = 1
    image = itk.image_from_array(array)
    image.SetSpacing([1.0, 2.0, 5.0])
    image.SetOrigin([10.0, 20.0, 30.0])
    image.SetDirection(itk.matrix_from_array(np.array(direction, dtype=float)))
    before = image.TransformIndexToPhysicalPoint([4, 3, 1])
    result = orientation.reset_direction(image)
    (index,) = np.argwhere(itk.array_from_image(result))[:, ::-1].tolist()
    after = result.TransformIndexToPhysicalPoint(index)
    found[name] = [[round(float(number)) for number in point] for point in (before, after, result.GetSpacing())]
    print(f"{name}: voxel at {found[name][0]} mm is now at {found[name][1]} mm, spacing {found[name][2]} mm")
wrong = {
    "axial": [[14, 26, 35], [14, 26, 35], [1, 2, 5]],
    "axial, RAS": [[6, 14, 35], [6, 14, 35], [1, 2, 5]],
    "coronal": [[14, 25, 24], [14, 40, 41], [1, 5, 2]],
    "sagittal": [[15, 24, 24], [26, 40, 29], [2, 5, 1]],
}
sys.exit(0 if found == wrong else 1)
PYTHON
