#!/bin/sh
# crackle-codec 0.55.0 gives a label that fills the whole image a bounding box that is one voxel too long in each axis,
# as slices and as corners: 5 x 6 x 7 voxels in an image of 4 x 5 x 6. An empty mask, or a block that was cut from the
# inside of an object, is such an image. With a second label the boxes are right. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check crackle-codec==0.55.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import crackle
import numpy as np


def boxes(image):
    """The size of each label's bounding box by the slices, and its last corner."""
    packed = crackle.compress(image)
    slices = crackle.bounding_boxes(packed)
    corners = crackle.bounding_boxes(packed, no_slice_conversion=True)
    return {
        int(label): ([axis.stop - axis.start for axis in box], [int(n) for n in corners[label][3:]])
        for label, box in slices.items()
    }


one = np.ones((4, 5, 6), dtype=np.uint8)
two = one.copy()
two[:, :, 3:] = 2
print(f"crackle-codec {version('crackle-codec')}, numpy {np.__version__}; images of {one.shape}")
print(f"one label, size and last voxel: {boxes(one)}")
print(f"two labels: {boxes(two)}")
right = boxes(two) == {1: ([4, 5, 3], [3, 4, 2]), 2: ([4, 5, 3], [3, 4, 5])}
sys.exit(0 if right and boxes(one) == {1: ([5, 6, 7], [4, 5, 6])} else 1)
PYTHON
