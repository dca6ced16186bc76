#!/bin/sh
# rocauc-comparison 0.1.1's delong_roc_variance and delong_roc_test take the negative cases for the positive ones where
# the labels are of an unsigned type: to put the positive cases first they sort by -labels, and in NumPy -1 of uint8 is
# 255. Ten scans, four with a nodule, have an area under the curve of 23 / 24 = 0.958 with labels of int and 0.0 with
# the same labels of uint8, which masks, label files and many tables have; the variance and the p-value are wrong too.
# It checks before only that the labels are 0 and 1. Booleans raise an error. scikit-learn gives 0.958 for each type.
# Nothing warns. Expected: 0.958. labels.astype(int) helps. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rocauc_comparison==0.1.1 scipy==1.15.3 numpy==2.2.6 \
    scikit-learn==1.7.2
"$folder/venv/bin/python" -W ignore::DeprecationWarning - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from rocauc_comparison.delong import delong_roc_test, delong_roc_variance
from sklearn.metrics import roc_auc_score

print(f"rocauc-comparison {version('rocauc_comparison')}, numpy {np.__version__}")
LABELS = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
first = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.6, 0.7, 0.8, 0.9])
second = np.array([0.1, 0.6, 0.3, 0.7, 0.5, 0.2, 0.4, 0.8, 0.65, 0.9])
found = []
for kind in (np.int64, np.uint8):
    labels = np.array(LABELS, dtype=kind)
    area, variance = delong_roc_variance(labels, first)
    p_value = float(np.squeeze(delong_roc_test(labels, first, second).p_value))
    found.append((round(float(area), 3), round(p_value, 3)))
    print(f"{kind.__name__}: area {area:.3f}, variance {float(variance):.4f}, p {p_value:.3f}", end="; ")
    print(f"scikit-learn: area {roc_auc_score(labels, first):.3f}")
sys.exit(0 if found[0][0] == 0.958 and found[1][0] == 0 and found[0][1] != found[1][1] else 1)
PYTHON
