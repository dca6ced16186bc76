#!/bin/sh
# actilib 0.99.1 ("analyze CT images") counts a part of a phantom's uneven brightness as noise: before it takes the
# noise power of a region it subtracts a fitted surface of second order, but where the surface has the product x * y it
# takes the coefficient of another term (x * x * y) of the fit. A region without any noise whose brightness is uneven
# along its diagonals, by 10 HU at its corners, has a noise of 3.33 HU; the same unevenness turned by 45 degrees, along
# rows and columns, has none. A homogeneous region with a noise of 3 HU has 4.4 HU in the one and 3.0 HU in the other
# case, and its noise power at low frequencies is too high. Nothing warns. Expected: the same of both. Ends with 1 when
# that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.15.3 pydicom==3.0.2 \
    opencv-python-headless==4.12.0.88
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps actilib==0.99.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from actilib.analysis.nps import noise_properties
from actilib.analysis.rois import SquareROI
from pydicom import Dataset

print(f"actilib {version('actilib')}")
header = Dataset()
header.PixelSpacing = [0.7, 0.7]
y, x = (np.mgrid[:200, :200] - 100) / 32  # from -1 to 1 in the region
noise = np.random.default_rng(1).normal(0, 3, (200, 200))
noise *= 3 / noise[68:132, 68:132].std()
found = {}
for name, uneven in (("along the diagonals", 10 * x * y), ("along rows and columns", 5 * (x**2 - y**2))):
    for kind, pixels in (("no noise", uneven), ("a noise of 3 HU", uneven + noise)):
        image = {"header": header, "pixels": pixels}
        found[name, kind] = round(float(noise_properties(image, SquareROI(64, 100, 100))["noise"]), 1)
        print(f"uneven {name}, {kind}: {found[name, kind]} HU")
sys.exit(0 if list(found.values()) == [3.3, 4.4, 0.0, 3.0] else 1)
PYTHON
