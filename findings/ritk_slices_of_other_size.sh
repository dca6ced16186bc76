#!/bin/sh
# ritk-python 0.12.79 ("ITK Parity: SliceImageFilter", "ExpandImageFilter") gives an image that it cuts or refines
# another place, and with steps another size, than ITK does: slice_image keeps the spacing whatever the step is, so
# that a mask of 320 mm3 has 40 mm3 with every second voxel, and takes the spacing of the wrong axis for the start's
# way; expand does so for its half voxel. A voxel at (14, 26, 35) mm lies at (16, 24, 32) and (13, 26, 36) afterwards;
# the values are the same as SimpleITK's, which leaves it where it was, and crop is right. Nothing warns. Ends with 1
# when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ritk-python==0.12.79 SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from ritk import Image, filter

SPACING, ORIGIN = (5.0, 2.0, 1.0), (30.0, 20.0, 10.0)  # z, y, x


def place(array, spacing, origin):
    """The (x, y, z) in mm of an image's brightest voxels' middle."""
    index = np.argwhere(array > 0.99).mean(axis=0)
    return tuple(round(float(number), 1) for number in (np.array(origin) + index * spacing)[::-1])


voxel = np.zeros((4, 6, 8), dtype=np.float32)
voxel[1, 3, 4] = 1
image, other = Image(voxel, spacing=SPACING, origin=ORIGIN), sitk.GetImageFromArray(voxel)
other.SetSpacing(SPACING[::-1])
other.SetOrigin(ORIGIN[::-1])
pairs = {
    "crop": (filter.crop(image, (1, 1, 2), (0, 0, 0)), sitk.Crop(other, (2, 1, 1), (0, 0, 0))),
    "slice_image, step 2": (
        filter.slice_image(image, (1, 1, 2), (4, 6, 8), (2, 2, 2)),
        sitk.Slice(other, (2, 1, 1), (8, 6, 4), (2, 2, 2)),
    ),
    "expand by 2": (filter.expand(image, (2, 2, 2)), sitk.Expand(other, (2, 2, 2))),
}
print(f"ritk-python {version('ritk-python')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
print(f"voxel at {place(voxel, SPACING, ORIGIN)} mm")
found = {}
for name, (mine, theirs) in pairs.items():
    values = sitk.GetArrayFromImage(theirs)
    equal = np.allclose(mine.to_numpy(), values)
    places = [place(mine.to_numpy() / values.max(), mine.spacing, mine.origin)]
    places.append(place(values / values.max(), theirs.GetSpacing()[::-1], theirs.GetOrigin()[::-1]))
    found[name] = (equal, *places)
    print(f"{name}: same values {equal}, voxel at {places[0]} mm, SimpleITK {places[1]} mm")
mask = np.zeros((8, 8, 8), dtype=np.float32)
mask[2:6, 2:6, 2:6] = 1
half = filter.slice_image(Image(mask, spacing=(5, 1, 1)), (0, 0, 0), (8, 8, 8), (2, 2, 2))
volume = float(half.to_numpy().sum() * np.prod(half.spacing))
print(f"mask of {mask.sum() * 5:.0f} mm3, each second voxel: {volume:.0f} mm3, spacing {half.spacing} mm")
wrong = {
    "crop": (True, (14, 26, 35), (14, 26, 35)),
    "slice_image, step 2": (True, (16, 24, 32), (14, 26, 35)),
    "expand by 2": (True, (13, 26, 36), (14, 26, 35)),
}
sys.exit(0 if found == wrong and volume == 40 else 1)
PYTHON
