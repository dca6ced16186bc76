#!/bin/sh
# mist-medical 2.3.0's lesion-wise metrics count a small lesion that was found as a false positive: lesions of the
# ground truth below min_lesion_volume (10 mm3 by default) are "excluded from analysis", but they are left out before
# the prediction's components are matched with them, so what lies exactly on them is matched with nothing. A prediction
# that equals the ground truth, a lesion of 1000 and one of 8 mm3, has a lesion-wise Dice and surface Dice of 0.5, an F1
# of 0.67 and a Hausdorff distance of half the image's diagonal; without the small lesion it has 1, 1, 1 and 0. The
# fewer small lesions a network finds, the better it scores. Nothing warns; no report found. min_lesion_volume=0 helps.
# Expected: 1 for a perfect prediction. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.15.3
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps mist-medical==2.3.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from mist.metrics.lesion_wise_metrics import compute_lesion_wise_metrics

print(f"mist-medical {version('mist-medical')}, numpy {np.__version__}, scipy {version('scipy')}")
truth = np.zeros((40, 40, 40), dtype=bool)
truth[5:15, 5:15, 5:15] = True
large = truth.copy()
truth[30:32, 30:32, 30:32] = True
names = ["dice", "surface_dice", "f1", "haus95"]
found = []
for title, prediction, options in (
    ("both lesions", truth, {}),
    ("the large one alone", large, {}),
    ("both lesions, min_lesion_volume=0", truth, {"min_lesion_volume": 0}),
):
    values = compute_lesion_wise_metrics(prediction, truth, (1.0, 1.0, 1.0), names, **options)
    found.append([round(float(value), 2) for value in values.values()])
    print(f"predicted: {title}: {dict(zip(values, found[-1]))}")
perfect = [1.0, 0.0, 1.0, 1.0]
sys.exit(0 if found == [[0.5, 34.64, 0.5, 0.67], perfect, perfect] else 1)
PYTHON
