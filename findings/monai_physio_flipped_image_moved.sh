#!/bin/sh
# monai-physio 2026.9.1's flip_image moves an image when it makes its direction the identity (flip_and_make_identity,
# "useful when combining ITK images with VTK objects"): the voxels are turned round rightly, but ITK's filter is told to
# flip about the origin, so it changes the sign of the new origin, too. In an image of 10 x 8 x 6 mm whose columns run
# to the right and rows to the front, from (60, 30), the voxel at (57, 28) comes to (-45, -18), 102 and 46 mm away; with
# the origin that the filter has without that option it stays. An image whose direction is the identity already stays.
# Image and mask move alike, a mesh or a second image doesn't; the log only says "Flipping image". Expected: the same
# place. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 SimpleITK==2.5.7 itk-core==5.4.6 \
    itk-io==5.4.6 itk-filtering==5.4.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps monai-physio==2026.9.1
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import distribution, version
from types import ModuleType

import itk
import numpy as np

package = ModuleType("monai_physio")  # without its networks and its registrations
package.__path__ = [str(distribution("monai-physio").locate_file("monai_physio"))]
sys.modules["monai_physio"] = package
from monai_physio.process_images import ProcessImages

print(f"monai-physio {version('monai-physio')}, ITK {itk.Version.GetITKVersion()}, numpy {np.__version__}")
voxels = np.zeros((6, 8, 10), dtype=np.int16)
voxels[1, 2, 3] = 1
found = []
for direction in ((1, 1, 1), (-1, -1, 1)):
    image = itk.image_from_array(voxels)
    image.SetOrigin((60, 30, -100))
    image.SetDirection(itk.matrix_from_array(np.diag(direction).astype(float)))
    before = tuple(image.TransformIndexToPhysicalPoint((3, 2, 1)))
    flipped = ProcessImages(logging.ERROR).flip_image(image, flip_and_make_identity=True)
    (marked,) = np.argwhere(itk.array_from_image(flipped))
    after = tuple(flipped.TransformIndexToPhysicalPoint([int(index) for index in marked[::-1]]))
    found.append((before, after))
    print(f"direction {direction}: the marked voxel is at {before} mm before and at {after} mm after")
same = (63, 32, -99)
sys.exit(0 if found == [(same, same), ((57, 28, -99), (-45, -18, -99))] else 1)
PYTHON
