#!/bin/sh
# dissector 0.0.7's boundary_iou_2d and boundary_iou_3d give masks that have nothing in common a boundary IoU above 0:
# they take all pixels near a mask's border, also those outside of the mask. The boundary IoU is of those inside (Cheng
# et al. 2021: (G_d and G) and (P_d and P); and the Metrics Reloaded library that the docstring names as its source), so
# that it is 0 where the masks do not overlap. A prediction of 10 x 10 pixels right beside a lesion of the same size has
# an IoU and a Dice of 0, and at a distance of 2 pixels a boundary IoU of 0.18: bands of 14 * 14 - 4 * 4 pixels have 4 *
# 14 in common, 56 / (2 * 180 - 56). With cubes it is 0.17. Nothing warns. Expected: 0. Cutting both bands with their
# masks, after extract_boundary_2d and dilate_2d, gives it. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check matplotlib==3.10.8 pandas==2.3.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps dissector==0.0.7
MPLBACKEND=Agg "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from dissector.evaluation import (
    boundary_iou_2d,
    boundary_iou_3d,
    dilate_2d,
    dilate_3d,
    extract_boundary_2d,
    extract_boundary_3d,
)

print(f"dissector {version('dissector')}, numpy {np.__version__}")
functions = {
    2: (boundary_iou_2d, dilate_2d, extract_boundary_2d),
    3: (boundary_iou_3d, dilate_3d, extract_boundary_3d),
}
found = []
for dimensions, (boundary_iou, dilate, extract_boundary) in functions.items():
    truth = np.zeros((18,) * (dimensions - 1) + (28,), dtype=bool)
    prediction = truth.copy()
    truth[(slice(4, 14),) * dimensions] = True
    prediction[(slice(4, 14),) * (dimensions - 1) + (slice(14, 24),)] = True
    inside = [mask & dilate(extract_boundary(mask), 2) for mask in (truth, prediction)]
    expected = (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()
    common = int((truth & prediction).sum())
    value = float(boundary_iou(2, truth, prediction))
    print(f"{dimensions}D: {common} pixels in common, boundary IoU {value:.3f}, inside of the masks {expected:.3f}")
    found.append((common, expected, round(value, 2)))
sys.exit(0 if found == [(0, 0, 0.18), (0, 0, 0.17)] else 1)
PYTHON
