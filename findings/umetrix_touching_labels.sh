#!/bin/sh
# umetrix 0.2.0 takes "an array containing labeled objects" and forgets the labels: it numbers again what is not 0, so
# objects that touch are one. Two lobes side by side, labels 1 and 2, in the reference, of which the prediction has
# exchanged the two, count as one object found with an IoU of 1; two touching nodules of which one is missed count as
# one found with an IoU of 0.5, and none missed. And its localization_error is a squared distance: an object moved by 5
# pixels has 25, in a table beside lengths and shares. Nothing warns. Expected: 2 objects, 1 of them missed; 5 pixels,
# by hand. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check umetrix==0.2.0 scikit-image==0.25.2 scipy==1.15.3 \
    matplotlib==3.10.8 numpy==2.2.6
MPLBACKEND=Agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import umetrix

print(f"umetrix {version('umetrix')}, numpy {np.__version__}")
reference = np.zeros((20, 20), dtype=int)
reference[5:15, 2:10], reference[5:15, 10:18] = 1, 2
missed = np.where(reference == 1, 1, 0)
exchanged = np.where(reference > 0, 3 - reference, 0)
one = np.zeros((40, 20), dtype=int)
one[5:15, 2:10] = 1
found = {}
for name, pair in {
    "one of two missed": (reference, missed),
    "both exchanged": (reference, exchanged),
    "moved by 5 pixels": (one, np.roll(one, 5, axis=0)),
}.items():
    result = umetrix.calculate(*pair).results
    found[name] = [
        result.n_true_labels, result.n_true_positives, result.n_false_negatives,
        round(float(result.IoU), 2), float(result.localization_error),
    ]
    print(f"{name}: objects, found, missed, IoU and localization error {found[name]}")
wrong = found["one of two missed"][:4] == [1, 1, 0, 0.5] and found["both exchanged"][:4] == [1, 1, 0, 1.0]
sys.exit(0 if wrong and found["moved by 5 pixels"][4] == 25 else 1)
PYTHON
