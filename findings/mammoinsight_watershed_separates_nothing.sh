#!/bin/sh
# mammoinsight-math 0.1.1's refine_with_watershed ("separates connected objects in a binary mask using the watershed
# algorithm", in Spanish) returns the mask that it was given: scikit-image's watershed has no line between its regions
# unless asked for, and the function then makes one mask of all regions above 0 again. Two discs that touch are two
# regions on the way and one object in the result, as they were before; the result is equal to the input in each pixel,
# with any distance of markers. Nothing warns. Expected: two objects, as watershed(..., watershed_line=True) leaves. No
# report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.25.2 scikit-learn==1.7.2 \
    opencv-python-headless==4.12.0.88 matplotlib==3.10.8 pandas==2.3.3 scipy==1.15.3 \
    requests==2.32.5 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps mammoinsight-math==0.1.1
MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from mammo_math.segmentation.watershed import refine_with_watershed
from scipy import ndimage
from skimage.segmentation import watershed

print(f"mammoinsight-math {version('mammoinsight-math')}, scikit-image {version('scikit-image')}")
rows, columns = np.mgrid[:80, :120]
discs = [np.hypot(rows - 40, columns - middle) < 25 for middle in (40, 80)]
mask = (discs[0] | discs[1]).astype(np.uint8) * 255
found = []
for distance in (3, 10, 20):
    refined = refine_with_watershed(mask, {"watershed_min_dist": distance})
    found.append((ndimage.label(refined)[1], bool(np.array_equal(refined, mask))))
    print(f"markers {distance} pixels apart: {found[-1][0]} object, equal to the mask given: {found[-1][1]}")
markers = np.zeros_like(mask, dtype=int)
markers[40, 40], markers[40, 80] = 1, 2
line = watershed(-ndimage.distance_transform_edt(mask), markers, mask=mask > 0, watershed_line=True)
print(f"scikit-image with a line: {ndimage.label(line)[1]} objects")
sys.exit(0 if found == [(1, True)] * 3 and ndimage.label(line)[1] == 2 else 1)
PYTHON
