#!/bin/sh
# bland-altman 0.1.4 subtracts the measurements in their own type and takes the standard deviation of a population.
# Volumes in whole millilitres, as numpy's unsigned integers, differ by 65,516 ml where they differ by -20: the plot
# says a mean difference of 32,765.50 ml in place of -2.50. And of numbers with a sign the limits of agreement are too
# narrow: Bland and Altman take the standard deviation of a sample, with n - 1; of 4 pairs it says -27.96 to 22.96 ml
# in place of -31.9 to 26.9. Nothing warns. Expected: the latter, by hand. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bland-altman==0.1.4 numpy==2.2.6 matplotlib==3.10.8
MPLBACKEND=Agg MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import matplotlib.pyplot as plt
import numpy as np
from bland_altman import bland_altman_plot

warnings.filterwarnings("ignore", message=".*non-interactive.*")
print(f"bland-altman {version('bland-altman')}, numpy {np.__version__}")
first, second = [4800, 5200, 3900, 4400], [4810, 5190, 3920, 4390]  # ml, of two readers
found = {}
for kind in ("uint16", "float64"):
    bland_altman_plot(np.array(first, kind), np.array(second, kind))
    numbers = {text.get_text().split(" = ")[0]: text.get_text().split(" = ")[1] for text in plt.gca().texts}
    found[kind] = [float(numbers[name]) for name in ("-1.96 SD", "Mean", "+1.96 SD")]
    print(f"{kind}: lower limit, mean and upper limit {found[kind]} ml")
difference = np.subtract(first, second)
limit = 1.96 * difference.std(ddof=1)
print(f"expected {[round(float(difference.mean() + limit * sign), 2) for sign in (-1, 0, 1)]} ml")
population = 1.96 * difference.std()
narrow = [round(float(difference.mean() + population * sign), 2) for sign in (-1, 0, 1)]
sys.exit(0 if found["uint16"][1] == 32765.5 and found["float64"] == narrow else 1)
PYTHON
