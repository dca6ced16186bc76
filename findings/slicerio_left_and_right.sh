#!/bin/sh
# slicerio 1.4.0 takes the left lung for the right one where segments are chosen by their terminology (anatomic region
# lung, modifier left or right, as 3D Slicer writes them): it compares the modifier's coding scheme letter by letter,
# "S" and "C" of "SCT", and never the code. extract_segments then gives the label asked for the right lung to both
# lungs, or the last label of a list to both, under the first one's name. Every other part of the terminology is
# compared rightly. Expected: one lung. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check slicerio==1.4.0 pynrrd==1.1.3 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import slicerio


def lung(code, meaning):
    """The terminology of one lung, with the codes of SNOMED CT that Slicer uses."""
    return {
        "contextName": "Segmentation category and type",
        "category": ["SCT", "123037004", "Anatomical Structure"],
        "type": ["SCT", "39607008", "Lung"],
        "anatomicContextName": "Anatomic codes",
        "anatomicRegion": ["SCT", "39607008", "Lung"],
        "anatomicRegionModifier": ["SCT", code, meaning],
    }


RIGHT, LEFT = lung("24028007", "Right"), lung("7771000", "Left")
segmentation = slicerio.create_segmentation((4, 2, 2), np.eye(4))
for name, index, terminology in (("right lung", 0, RIGHT), ("left lung", 3, LEFT)):
    mask = np.zeros((4, 2, 2), dtype=bool)
    mask[index] = True
    slicerio.add_segment(segmentation, mask, {"name": name, "terminology": terminology})
slicerio.write_segmentation("lungs.seg.nrrd", segmentation)
read = slicerio.read_segmentation("lungs.seg.nrrd")
print(f"slicerio {version('slicerio')}, pynrrd {version('pynrrd')}")
print("the file's columns:", read["voxels"][:, 0, 0], [segment["name"] for segment in read["segments"]])
right = slicerio.extract_segments(read, [(RIGHT, 1)])["voxels"][:, 0, 0]
both = slicerio.extract_segments(read, [(RIGHT, 1), (LEFT, 2)])
print("the right lung as 1:", right)
print("right as 1 and left as 2:", both["voxels"][:, 0, 0], [segment["name"] for segment in both["segments"]])
sys.exit(0 if list(right) == [1, 0, 0, 1] and list(both["voxels"][:, 0, 0]) == [2, 0, 0, 2] else 1)
PYTHON
