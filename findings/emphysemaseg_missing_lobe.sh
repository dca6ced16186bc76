#!/bin/sh
# EmphysemaSeg 0.1.0 (lobes and emphysema in chest CT) makes a lung of the whole scan where one of the five lobes is
# missing, as after a lobectomy. Its get_largest_cc keeps each lobe's largest part by the sizes of the parts; of a lobe
# without a voxel the largest of no parts is number 0, the background, so that all voxels get the lobe's number added:
# the lobes 1, 2, 3 and 5 become 5, 6, 7 and 9, and what was outside becomes 4. After nearest_label_filling, as infer
# calls both, no voxel is 0, and air around the patient (below -950 HU) counts as emphysema. Nothing warns. With five
# lobes all is right. Expected: 1, 2, 3 and 5 as they were. Its pinned MONAI 1.0.1 and PyTorch 1.13 don't fit Python
# 3.11; the two functions need nothing that has changed since. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check monai==1.6.1 torch==2.13.0 scikit-image==0.25.2 \
    scipy==1.15.3 matplotlib==3.10.8 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps EmphysemaSeg==0.1.0
MPLBACKEND=Agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from EmphysemaSeg.utils import get_largest_cc, nearest_label_filling

print(f"EmphysemaSeg {version('EmphysemaSeg')}, numpy {np.__version__}")
lobes = np.zeros((30, 20, 10), dtype=int)
for label in range(1, 6):
    lobes[5 * label : 5 * label + 4, 5:15, 2:8] = label
missing = np.where(lobes == 4, 0, lobes)
first, last = {}, {}
for name, image in (("five lobes", lobes), ("without lobe 4", missing)):
    kept = get_largest_cc(image)
    filled = nearest_label_filling(image, kept)
    first[name], last[name] = ([int(done[image == label][0]) for label in (0, 1, 2, 3, 5)] for done in (kept, filled))
    print(f"{name}: background and lobes 1, 2, 3 and 5 become {first[name]}, after filling {last[name]}")
    print(f"  {np.count_nonzero(image)} voxels of lung become {np.count_nonzero(filled)} of {image.size}")
right = first["five lobes"] == last["five lobes"] == [0, 1, 2, 3, 5]
wrong = first["without lobe 4"] == [4, 5, 6, 7, 9] and np.count_nonzero(filled) == image.size
sys.exit(0 if right and wrong else 1)
PYTHON
