#!/bin/sh
# MLstatkit 0.1.91's Delong_test finds that a model differs from itself with p = 0: where the difference of two areas
# under the curve has no variance it draws bootstrap samples instead ("automatic fallback"), and takes twice the smaller
# of the shares of differences that are "0 or less" and "more than 0" for the p-value. All differences are 0, so that
# the second share is 0. z is 0.0, which has p = 1. So for two models that put all cases into the same order, such as
# probabilities before and after a calibration, and for two models without an error. Nothing warns. Expected: p = 1, as
# "aligned with R pROC::roc.test". No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check MLstatkit==0.1.91 scipy==1.15.3 numpy==2.2.6 \
    scikit-learn==1.7.2 tqdm==4.67.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from MLstatkit import Delong_test

print(f"MLstatkit {version('MLstatkit')}, numpy {np.__version__}")
labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.6, 0.7, 0.8, 0.9])
other = np.array([0.1, 0.6, 0.3, 0.7, 0.5, 0.2, 0.4, 0.8, 0.65, 0.9])
cases = {
    "a model and itself": (scores, scores),
    "a model and its square": (scores, scores**2),
    "two models without an error": (labels + scores, 2 * labels + other),
    "two models": (scores, other),
}
found = []
for name, (first, second) in cases.items():
    z, p_value, *_, area, other_area, about = Delong_test(labels, first, second, n_boot=500, random_state=0)
    found.append((z, p_value))
    print(f"{name}: areas {area:.3f} and {other_area:.3f}, z {z:.3f}, p {p_value:.3f} ({about['method']})")
sys.exit(0 if found[:3] == [(0, 0)] * 3 and 0.3 < found[3][1] < 0.4 else 1)
PYTHON
