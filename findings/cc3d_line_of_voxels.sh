#!/bin/sh
# connected-components-3d 4.1.1 labels a line of voxels along the first axis of an image, labels[:, i:i+1, j:j+1], from
# the wrong voxels: it finds no component where a copy of the same view has two. It reads the view as if it were packed,
# so that it sees the voxels that follow the first one in memory. Views of other shapes are copied first, and right.
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
print(f"connected-components-3d {version('connected-components-3d')}, numpy {np.__version__}")
print(f"the line: {line.ravel().tolist()}")
counts = {
    name: cc3d.connected_components(view, return_N=True)[1]
    for name, view in (("line", line), ("copy of the line", line.copy()), ("slab", slab))
}
print(f"components: {counts}")
sys.exit(0 if counts == {"line": 0, "copy of the line": 2, "slab": 2} else 1)
PYTHON
