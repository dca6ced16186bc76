#!/bin/sh
# pyfroc 0.3.5 loses marks of a reader who made more than ten in a scan: from the keys of 3D Slicer's .seg.nrrd it takes
# the last digit of a segment's number, "Segment([0-9])+_", so that Segment10_Name and Segment10_LabelValue replace
# those of Segment0, and so on. Of twelve marks it reads ten; those with the label values 1 and 2 are gone, with their
# ratings, and what they marked is nobody's. FROC and JAFROC then count fewer false marks, or miss a lesion that was
# found. Ten marks are right. Nothing warns; the README has 3D Slicer among the tools for a reader's marks. Expected:
# twelve. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pynrrd==1.1.3 numpy==1.26.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pyfroc==0.3.5
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import nrrd
import numpy as np

# pyfroc loads its readers of other formats, its matching and its tables; reading a .seg.nrrd needs none of them.
for name in (
    "bidict", "matching", "matching.algorithms", "matching.games", "matching.matchings", "matching.players", "miniball",
    "openpyxl", "pandas", "PIL", "pydicom", "pydicom.pixels", "pydicom.pixels.processing", "skimage", "skimage.draw",
    "skimage.measure", "smallestenclosingcircle", "tcia_utils", "tqdm", "typedstream",
):  # fmt: skip
    sys.modules[name] = MagicMock()
from pyfroc.loaders.seg_nrrd import SegNRRDLoader  # noqa: E402

print(f"pyfroc {version('pyfroc')}, pynrrd {version('pynrrd')}, numpy {np.__version__}")
found = []
for marks in (10, 12):
    voxels = np.zeros((60, 8, 8), dtype=np.uint8)
    header = {"space": "left-posterior-superior", "space directions": np.eye(3), "space origin": [0.0, 0.0, 0.0]}
    for number in range(marks):
        voxels[5 * number : 5 * number + 3, 2:5, 2:5] = number + 1
        header[f"Segment{number}_ID"] = f"Segment_{number + 1}"
        header[f"Segment{number}_Name"] = f"rating {100 - number}"
        header[f"Segment{number}_Layer"] = "0"
        header[f"Segment{number}_LabelValue"] = str(number + 1)
    nrrd.write(f"{marks}.seg.nrrd", voxels, header)
    read = SegNRRDLoader.read_segnrrd(f"{marks}.seg.nrrd").segmentations
    found.append(sorted((segment.label_value, segment.confidence) for segment in read))
    print(f"{marks} marks: {len(read)} read, (label value, rating): {found[-1]}")
expected = [(number + 1, 100 - number) for number in range(12)]
sys.exit(0 if found == [expected[:10], expected[2:]] else 1)
PYTHON
