#!/bin/sh
# seg-metrics 1.2.8 gives a label that the prediction misses altogether the best possible distances: Hausdorff distance,
# its 95th percentile and the mean surface distance are 0 mm, although Dice is 0. No distance to an empty set exists, so
# that infinity, NaN or an error is expected (MedPy raises one); a mean over cases improves with each missed object. The
# warning that is logged speaks of precision and recall only. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check seg-metrics==1.2.8 medpy==0.5.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import numpy as np
from medpy.metric import binary
from seg_metrics.seg_metrics import write_metrics

logging.disable(logging.WARNING)
NAMES = ["dice", "hd", "hd95", "msd"]
truth = np.zeros((20, 20, 20), dtype=np.uint8)
truth[5:15, 5:15, 5:15] = 1
found = np.roll(truth, 1, axis=2)
missed = np.zeros_like(truth)
print(f"seg-metrics {version('seg-metrics')}, medpy {version('medpy')}, numpy {np.__version__}")
rows = []
for name, prediction in (("one voxel beside", found), ("missed", missed)):
    (row,) = write_metrics(
        labels=[1], gdth_img=truth, pred_img=prediction, csv_file=None, metrics=NAMES, spacing=(1, 1, 1)
    )
    rows.append([float(row[metric][0]) for metric in NAMES])
    print(name, dict(zip(NAMES, rows[-1], strict=True)))
try:
    print("medpy:", binary.hd(missed, truth))
except RuntimeError as error:
    print(f"medpy, missed: RuntimeError: {error}")
beside, nothing = rows
sys.exit(0 if beside[1] == 1 and nothing == [0, 0, 0, 0] else 1)
PYTHON
