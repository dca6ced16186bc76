#!/bin/sh
# TorchMetrics 1.9.0's hausdorff_distance is wrong for images that are wider than high: its distance transform places
# the distance of row i and column j at i * height + j. Two squares that are 3 pixels beside each other are 3 apart in
# an image of 20 x 20 pixels and 11.4 in one of 20 x 40 that has the same squares in the same pixels. Images that are
# higher than wide raise IndexError, which is reported as issue 3300; the wide ones are said to work there. Expected: 3.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import torchmetrics
from torchmetrics.functional.segmentation import hausdorff_distance

print(f"TorchMetrics {torchmetrics.__version__}, PyTorch {torch.__version__}")
found = []
for height, width in ((20, 20), (20, 40), (40, 20)):
    truth = torch.zeros((1, 1, height, width), dtype=torch.int64)
    truth[..., 5:10, 5:10] = 1
    prediction = torch.roll(truth, 3, dims=3)
    try:
        distance = hausdorff_distance(prediction, truth, num_classes=1, include_background=True)
        found.append(round(float(distance), 1))
    except IndexError as error:
        found.append(f"IndexError: {error}")
    print(f"{height} x {width} pixels, 3 pixels beside: {found[-1]}")
sys.exit(0 if found[:2] == [3, 11.4] else 1)
PYTHON
