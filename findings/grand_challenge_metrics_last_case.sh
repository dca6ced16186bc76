#!/bin/sh
# grand-challenge-metrics 0.6.0's get_bootstrapped_roc_ci_curves never draws the last case: "Bootstrapping is done by
# selecting len(y_pred) samples randomly (with replacement)", but it has NumPy draw numbers up to len - 1, which NumPy
# leaves out. Of 20 scans, one with a nodule has the lowest score of all, so that the area under the curve is 0.9. If
# that scan is the first, the interval of 95 % goes from 0.62 to 1; if it is the last, from 1 to 1, without the area
# itself. The order of cases has no meaning. get_bootstrapped_ci_point_error has the same line. Nothing warns.
# Expected: about the same interval. Appending a copy of any case, as the one that is left out, helps. No report found.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grand-challenge-metrics==0.6.0 scikit-learn==1.7.2 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from grand_challenge_metrics.roc import get_bootstrapped_roc_ci_curves
from sklearn.metrics import roc_auc_score

print(f"grand-challenge-metrics {version('grand-challenge-metrics')}, numpy {np.__version__}")
truth = np.array([0] * 10 + [1] * 10)
score = np.arange(20) / 20
score[-1] = -1
found = {}
for name, order in (("last", np.arange(20)), ("first", np.roll(np.arange(20), 1))):
    area = roc_auc_score(truth[order], score[order])
    curves = get_bootstrapped_roc_ci_curves(score[order], truth[order], num_bootstraps=1000)
    found[name] = round(float(curves.low_az_val), 2), round(float(curves.high_az_val), 2)
    print(f"missed nodule {name}: area {area:.2f}, interval of 95 % {found[name]}")
sys.exit(0 if found["last"] == (1.0, 1.0) and 0.5 < found["first"][0] < 0.8 and abs(area - 0.9) < 1e-9 else 1)
PYTHON
