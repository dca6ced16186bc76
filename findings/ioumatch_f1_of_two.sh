#!/bin/sh
# ioumatch 0.1.1 takes one from the number of labels for the background, whether there is one or not, though its IoU
# matrix counts them right. A patch that lies in the lungs, each pixel in one of two lobes, compared with itself has 2
# true positives, -1 false ones, -1 missed ones and an F1 score of 2.0; evaluate_pairs adds such numbers up over all
# images, so that a patch like this hides a missed object elsewhere: with an image whose one nodule of two is missed the
# sum is no object missed and an F1 above 1. Nothing warns. Expected: 2, 0, 0 and 1.0. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ioumatch==0.1.1 opencv-python-headless==4.11.0.86 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from ioumatch import evaluate_image, evaluate_pairs

print(f"ioumatch {version('ioumatch')}, numpy {np.__version__}")
lobes = np.full((20, 20), 2, dtype=np.uint8)
lobes[:9] = 3
nodules = np.zeros((20, 20), dtype=np.uint8)
nodules[2:6, 2:6], nodules[10:16, 10:16] = 2, 3
seen = np.where(nodules == 2, nodules, 0).astype(np.uint8)
for folder, images in (("predicted", (lobes, seen)), ("reference", (lobes, nodules))):
    Path(folder).mkdir()
    for number, image in enumerate(images):
        cv2.imwrite(f"{folder}/{number}.png", image)
alone = evaluate_image(lobes, lobes)
print("two lobes against themselves:", {name: alone[name] for name in ("tp", "fp", "fn", "f1")})
print("matrix:", alone["iou_matrix"].tolist())
both = evaluate_pairs("predicted/*.png", "reference/*.png")[0]
print("with an image that misses one of two nodules:", both)
found = [alone[name] for name in ("tp", "fp", "fn", "f1")]
hidden = both["fn"] == 0 and both["f1"] > 1
sys.exit(0 if found == [2, -1, -1, 2.0] and hidden and (alone["iou_matrix"] == np.eye(2)).all() else 1)
PYTHON
