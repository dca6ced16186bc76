#!/bin/sh
# medeval 0.1.7's dice_score takes a binary mask of (B, H, W), which its documentation lists, for a one-hot map of H
# classes, and one of (H, W) or (Z, Y, X), to which it adds the batch's axis itself, for one of H or Z classes: it
# compares the index of the first row or slice that is set. A cube of which half is found has a Dice of 2*500 / 2000 =
# 0.5, and that is what it says of (1, 1, Z, Y, X); without the channel's axis it says 0.967, and 1.0 for the cube's
# middle slices as (B, H, W). Its precision_score and recall_score of the same masks are 0.5. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check medeval==0.1.7 torch==2.13.0 scikit-learn==1.9.1 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import torch
from medeval.metrics.segmentation import dice_score, precision_score, recall_score

print(f"medeval {version('medeval')}, PyTorch {torch.__version__}, numpy {np.__version__}")
truth = np.zeros((20, 20, 20), dtype=np.float32)
truth[5:15, 5:15, 5:15] = 1
half = np.zeros_like(truth)
half[5:15, 5:15, 10:20] = 1
cases = {
    "(1, 1, Z, Y, X)": (half[None, None], truth[None, None]),
    "(Z, Y, X)": (half, truth),
    "(H, W)": (half[10], truth[10]),
    "(B, H, W)": (half[8:12], truth[8:12]),
}
found = []
for name, (prediction, reference) in cases.items():
    scores = [float(score(prediction, reference)) for score in (dice_score, precision_score, recall_score)]
    found.append([round(score, 3) for score in scores])
    print(f"{name}: Dice, precision, recall {found[-1]}")
sys.exit(0 if found == [[0.5] * 3, [0.967, 0.5, 0.5], [0.95, 0.5, 0.5], [1, 0.5, 0.5]] else 1)
PYTHON
