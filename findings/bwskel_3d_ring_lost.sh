#!/bin/sh
# bwskel-3d 0.1.3 ("3D binary skeletonization and pruning, Python replication of MATLAB bwskel") drops a closed ring
# when it prunes branches, whatever its size is, if anything else in the image branches: of the pruned skeleton it keeps
# what it reached from branch points and ends, and a ring has neither. A ring of 100 voxels is whole by itself, whole
# beside a straight tube, and gone beside a tube with a branch, with min_branch_length=1 already. Nothing warns.
# Expected: the ring, which is no branch and is longer than any limit here ("prune small branches"). Ends with 1 when
# that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bwskel-3d==0.1.3 scikit-image==0.26.0 scipy==1.15.3 \
    numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from bwskel import BWSkeleton3D

print(f"bwskel-3d {version('bwskel-3d')}, scikit-image {version('scikit-image')}, numpy {np.__version__}")
x, y, z = np.indices((60, 60, 40))
ring = (np.hypot(x - 30, y - 30) - 18) ** 2 + (z - 28) ** 2 <= 4
tube = np.zeros(ring.shape, dtype=bool)
tube[5:55, 28:31, 8:11] = True
branched = tube.copy()
branched[28:31, 30:55, 8:11] = True
found = []
for name, image in (("ring", ring), ("ring and tube", ring | tube), ("ring and branched tube", ring | branched)):
    counts = []
    for length in (0, 1, 5):
        skeleton = BWSkeleton3D(image, min_branch_length=length).compute_skeleton()
        counts.append((int(skeleton[:, :, 20:].sum()), int(skeleton[:, :, :20].sum())))
    found.append(counts)
    print(f"{name}: voxels of (ring, tube) without pruning {counts[0]}, branches below 1 {counts[1]}, 5 {counts[2]}")
whole = found[0][0][0]
kept = [[count for count, _ in counts] for counts in found]
tubes = [counts[2][1] for counts in found]
sys.exit(0 if whole > 90 and kept == [[whole] * 3, [whole] * 3, [whole, 0, 0]] and tubes[2] > tubes[1] > 40 else 1)
PYTHON
