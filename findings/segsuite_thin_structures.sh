#!/bin/sh
# segsuite 0.1.0's MAGE gives a perfect segmentation of a thin structure 0: it compares the masks after erosions by the
# quartiles of the truth's own depths, and a line of up to 2 pixels, as a fissure, a vessel or an airway's wall has, is
# 1 deep throughout, so that nothing is left to compare, and 0 / 0 counts as 0. A line of 3 pixels has 0, too, as the
# third quartile is its largest depth; a disc has 1. SABRE and DFH of a perfect mask that fills the whole image are 0,
# as such an image has no gradient and no background. Dice, IoU and the others say 1 each time; the text has "MAGE in
# [0, 1]" and names no such case. Nothing warns. Expected: 1. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps segsuite==0.1.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.util
import sys
from importlib.metadata import version
from types import ModuleType

import numpy as np

# The package's losses and models need PyTorch and more; its metrics of NumPy arrays don't.
sys.modules["torch"] = ModuleType("torch")
sys.modules["torch"].Tensor = type("Tensor", (), {})
package = importlib.util.find_spec("segsuite").submodule_search_locations[0]
spec = importlib.util.spec_from_file_location("segsuite_metrics", f"{package}/metrics.py")
metrics = importlib.util.module_from_spec(spec)
spec.loader.exec_module(metrics)

print(f"segsuite {version('segsuite')}, scipy {version('scipy')}, numpy {np.__version__}")
rows, columns = np.mgrid[:80, :120]
within = (columns > 10) & (columns < 100)
masks = {
    "a disc": np.hypot(rows - 40, columns - 40) < 25,
    "a line of 1 pixel": (rows == 40) & within,
    "a line of 2 pixels": (rows // 2 == 20) & within,
    "a line of 3 pixels": (abs(rows - 40) <= 1) & within,
    "the whole image": rows >= 0,
}
found = []
for name, mask in masks.items():
    scores = metrics.compute_metrics(mask.astype(float), mask.astype(float))
    found.append({key for key, value in scores.items() if value < 0.01})
    print(f"{name}, compared with itself:", ", ".join(f"{key} {value:.2f}" for key, value in scores.items()))
sys.exit(0 if found == [set(), {"MAGE"}, {"MAGE"}, {"MAGE"}, {"DFH", "SABRE"}] else 1)
PYTHON
