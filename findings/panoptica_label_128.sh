#!/bin/sh
# panoptica 2.1.7 leaves out an object that is the same in both label maps if its two labels add up to 256, such as 128
# in both: it narrows the maps to 8 bits where no label is above 255, and crops them to where their sum is not 0, which
# wraps. Evaluated against itself, a map with the labels 1 and 128 has one object instead of two, no false negative and
# no warning; 1 and 127 are two. Expected: two true positives. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check panoptica==2.1.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from panoptica import InputType, NaiveThresholdMatching, Panoptica_Evaluator

evaluator = Panoptica_Evaluator(InputType.UNMATCHED_INSTANCE, instance_matcher=NaiveThresholdMatching())
found = {}
for label, kind in ((127, np.uint8), (128, np.uint8), (128, np.uint16)):
    truth = np.zeros((24, 24, 24), dtype=kind)
    truth[2:6, 2:6, 2:6] = 1
    truth[12:20, 12:20, 12:20] = label
    (result,) = evaluator.evaluate(truth.copy(), truth, verbose=False).values()
    found[label, np.dtype(kind).name] = result.tp, result.fp, result.fn
for (label, kind), counts in found.items():
    print(f"labels 1 and {label} of {kind}: true positives, false positives, false negatives {counts}")
print(f"panoptica {version('panoptica')}, numpy {np.__version__}")
two = 2, 0, 0
sys.exit(0 if list(found.values()) == [two, (1, 0, 0), (1, 0, 0)] else 1)
PYTHON
