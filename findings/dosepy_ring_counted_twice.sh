#!/bin/sh
# Dosepy 0.12.2's get_dose_in_structure counts the inside of a ring twice: it takes the dose in each contour of a slice
# and joins the lists, so the voxels in an inner contour, which with the geometric type CLOSEDPLANAR_XOR is a hole,
# come once from the outer contour and once from the inner. A ring of 144 voxels around 81 has 306 doses. With 2 Gy in
# the ring and 60 Gy in the hole the mean is 32.7 Gy, where the ring's is 2 Gy. Neither get_coordinates, which reads
# the contours, nor this looks at their type. Expected: 144 doses of 2 Gy, or an error. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 SimpleITK==2.5.7 plotly==6.5.0 \
    scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps Dosepy==0.12.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from Dosepy.rtdose import get_dose_in_structure

print(f"Dosepy {version('Dosepy')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")


def square(least, most):
    return np.array([(least, least, 4), (most, least, 4), (most, most, 4), (least, most, 4)], dtype=float)


values = np.full((5, 20, 20), 2.0)
values[:, 5:14, 5:14] = 60  # the hole
dose = sitk.GetImageFromArray(values)
dose.SetSpacing((2, 2, 2))
outer, inner = square(3, 33), square(9, 27)
found = [np.array(get_dose_in_structure(dose, contours)) for contours in ([outer], [inner], [outer, inner])]
for name, doses in zip(("outer contour", "inner contour", "ring"), found):
    print(f"{name}: {doses.size} doses, mean {doses.mean():.1f} Gy")
print(f"expected for the ring: {found[0].size - found[1].size} doses, mean 2.0 Gy")
sys.exit(0 if [doses.size for doses in found] == [225, 81, 306] and found[2].mean() > 30 else 1)
PYTHON
