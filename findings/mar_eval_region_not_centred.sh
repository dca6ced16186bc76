#!/bin/sh
# mar-eval 0.3.1 (metal artefacts in CT, scored by how well a lesion is detected) cuts regions near an image's border
# wrongly: extract_roi ("ROI at center (y, x). Pads with edge values if needed") moves a region that would begin outside
# inwards instead, so that a lesion at (3, 3) is at (3, 3) of the 25 x 25 pixels and not in their middle, (12, 12), and
# fills what lies beyond the far border with the value of the lesion's own middle: 370 of 625 pixels are as bright as a
# lesion of one pixel at (60, 60) of 64 x 64. Its detection compares all regions pixel by pixel. Nothing warns.
# Expected: numpy.pad with the border's values, the lesion in the middle. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.15.3 scikit-learn==1.7.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps mar-eval==0.3.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from mareval import extract_roi

print(f"mar-eval {version('mar-eval')}")
found = {}
for place in ((30, 30), (3, 3), (60, 60)):
    image = np.full((64, 64), -800.0)
    image[place] = 100
    region = extract_roi(image, place, (25, 25))
    y, x = place
    expected = np.pad(image, 12, mode="edge")[y : y + 25, x : x + 25]
    lesion = np.argwhere(region == 100)
    found[place] = lesion.mean(axis=0).round(1).tolist(), len(lesion), np.array_equal(region, expected)
    print(f"lesion of 1 pixel at {place}: {len(lesion)} bright pixels about {found[place][0]}, "
          f"expected 1 at [12, 12]; equal to numpy.pad's: {found[place][2]}")
right = found[30, 30] == ([12.0, 12.0], 1, True) and found[3, 3] == ([3.0, 3.0], 1, False)
sys.exit(0 if right and found[60, 60][1:] == (370, False) else 1)
PYTHON
