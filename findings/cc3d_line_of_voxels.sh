#!/bin/sh
# connected-components-3d 4.1.1 looks at the first voxel alone of a line of voxels along the first axis of an image,
# labels[:, i:i+1, j:j+1], and gives 0 for the others: it finds no component where a copy of the same view has two, and
# of an object along the whole line it labels one voxel of six. No error, no warning; slabs and other views are right.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check connected-components-3d==4.1.1 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import cc3d
import numpy as np

image = np.zeros((6, 4, 6), dtype=np.uint16)
image[[1, 4], 2, 3] = 1
line, slab = image[:, 2:3, 3:4], image[:, :, 3:4]
whole = np.ones_like(image)[:, 2:3, 3:4]
print(f"connected-components-3d {version('connected-components-3d')}, numpy {np.__version__}")
views = {"line": line, "copy of the line": line.copy(), "slab": slab, "whole line": whole}
found = {name: cc3d.connected_components(view, return_N=True) for name, view in views.items()}
for name, (labels, count) in found.items():
    print(f"{name}: {count} components, {np.count_nonzero(labels)} of {np.count_nonzero(views[name])} voxels labelled")
sizes = {name: (count, np.count_nonzero(labels)) for name, (labels, count) in found.items()}
right = sizes["copy of the line"] == sizes["slab"] == (2, 2)
sys.exit(0 if right and sizes["line"] == (0, 0) and sizes["whole line"] == (1, 1) else 1)
PYTHON
