#!/bin/sh
# voxscope 0.1.23 gives a mask's label_names (and label_colors) to the labels that the mask has, in turn, instead of to
# 1, 2 and 3: where one is absent, all after it have the wrong name. A mask with the names "left lung", "right lung" and
# "trachea" is right while it has all three; after a removal of the left lung its label 2 is the "left lung" and 3 the
# "right lung", in the colours of those. Two scans of one patient thus have different names for one label. The same file
# opened as an image has them as 1, 2 and 3. Nothing warns, and its page only says "label_names, label_colors for
# masks". Expected: the name of label n is the n-th. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 nibabel==5.4.2 pydicom==3.0.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps voxscope==0.1.23
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import distribution, version
from types import ModuleType

import numpy as np

package = ModuleType("voxscope")  # without its server
package.__path__ = [str(distribution("voxscope").locate_file("voxscope"))]
sys.modules["voxscope"] = package
from voxscope.volumes import load_mask, load_volume

print(f"voxscope {version('voxscope')}, numpy {np.__version__}")
names, colors = ["left lung", "right lung", "trachea"], ["#ff0000", "#0000ff", "#00ff00"]
geometry = {"spacing": np.ones(3), "affine": np.eye(4)}
np.savez("scan.npz", image=np.zeros((4, 4, 4), dtype=np.int16), **geometry)
scan = load_volume("scan.npz")
found = []
for labels in ((1, 2, 3), (2, 3)):
    voxels = np.zeros((4, 4, 4), dtype=np.uint8)
    for label in labels:
        voxels[label] = label
    np.savez("mask.npz", image=voxels, label_names=names, label_colors=colors, **geometry)
    mask, image = load_mask("mask.npz", scan), load_volume("mask.npz")
    found.append(mask.label_names)
    print(f"labels {labels}: as a mask {mask.label_names}, {mask.label_colors}")
    print(f"  as an image {image.label_names}, warnings {mask.warnings}")
right = {1: "left lung", 2: "right lung", 3: "trachea"}
sys.exit(0 if found == [right, {2: "left lung", 3: "right lung"}] and image.label_names == right else 1)
PYTHON
