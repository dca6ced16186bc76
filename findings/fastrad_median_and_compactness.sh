#!/bin/sh
# fastrad 1.0.0 (the newest for Python 3.11; the same lines are in 1.2.0), "reimplements pyradiomics with full feature
# parity", gives a median that lies on one side: of an even number of voxels it returns the lower one of the two in the
# middle (PyTorch's median does), not their mean, as numpy and so PyRadiomics do. A region that is half air of -1000 HU
# and half water of 0 has the median -1000, and not -500. And its shape:compactness_1 depends on the size: it has the
# surface to the power of 2/3 where 3/2 is meant (V / (pi^(1/2) A^(3/2)), without a unit), so that the same cube in
# voxels twice as long has 3.17 times as much; its compactness_2 is right. Nothing warns or says so. Expected: -500, and
# the same compactness. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastrad==1.0.0 torch==2.13.0 pydicom==3.0.2 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import math
import sys
from importlib.metadata import version

import numpy as np
import torch
from fastrad import FeatureExtractor, FeatureSettings, Mask, MedicalImage

print(f"fastrad {version('fastrad')}, torch {torch.__version__}")
image, mask = np.full((12, 12, 12), -1000, dtype=np.float32), np.zeros((12, 12, 12), dtype=np.float32)
image[6:] = 0
mask[3:9, 3:9, 3:9] = 1  # three slices of air and three of water
found = {}
for length in (1.0, 2.0):
    spacing = (length, length, length)
    extractor = FeatureExtractor(FeatureSettings(feature_classes=["firstorder", "shape"], device="cpu"))
    features = extractor.extract(
        MedicalImage(torch.from_numpy(image), spacing), Mask(torch.from_numpy(mask), spacing)
    )
    volume, area = features["shape:mesh_volume"], features["shape:surface_area"]
    found[length] = [features[f"shape:compactness_{number}"] for number in (1, 2)]
    print(
        f"voxels of {length} mm: median {features['firstorder:median']}, mean {features['firstorder:mean']}; "
        f"compactness 1 {found[length][0]:.4f} (by hand {volume / math.sqrt(math.pi * area**3):.4f}), "
        f"compactness 2 {found[length][1]:.4f}"
    )
print("the median of numpy:", np.median(image[mask > 0]))
ratio, right = (large / small for small, large in zip(found[1.0], found[2.0]))
wrong = features["firstorder:median"] == -1000 and features["firstorder:mean"] == -500
sys.exit(0 if wrong and abs(ratio - 8 / 4 ** (2 / 3)) < 0.01 and abs(right - 1) < 1e-6 else 1)
PYTHON
