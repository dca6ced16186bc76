#!/bin/sh
# zmesh 1.15.0 moves all meshes by one voxel along each axis if it is to close them at the image's border
# (mesh(labels, close=True), "this ensures that all meshes produced will be closed"): it adds a layer of background
# around the image and does not take it off the positions again. A nodule in the middle of the scan, whose mesh is the
# same closed one either way, lies 0.7, 0.7 and 5 mm further for voxels of that size. Nothing warns or says so.
# Expected: the same place; only what touches the border differs. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zmesh==1.15.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from zmesh import Mesher

print(f"zmesh {version('zmesh')}, numpy {np.__version__}")
labels = np.zeros((40, 40, 20), dtype=np.uint32)
labels[10:16, 12:20, 8:12] = 1  # in the middle
labels[30:40, 5:15, 5:15] = 2  # touches the border
spacing = (0.7, 0.7, 5.0)
meshes = {}
for close in (False, True):
    mesher = Mesher(spacing)
    mesher.mesh(labels, close=close)
    meshes[close] = {label: mesher.get(label) for label in (1, 2)}
    for label, mesh in meshes[close].items():
        low, high = (edge(mesh.vertices.astype(float), axis=0).round(2).tolist() for edge in (np.min, np.max))
        print(f"close={close}, label {label}: from {low} to {high} mm, {len(mesh.faces)} triangles")
still, moved = (meshes[close][1] for close in (False, True))
shift = moved.vertices.mean(axis=0) - still.vertices.mean(axis=0)
print(f"the mesh in the middle has moved by {shift.astype(float).round(2).tolist()} mm")
same = len(moved.faces) == len(still.faces) and len(meshes[True][2].faces) > len(meshes[False][2].faces)
sys.exit(0 if same and np.allclose(shift, spacing, atol=1e-3) else 1)
PYTHON
