#!/bin/sh
# imagedata 3.10.0 writes a float image whose values span less than 0.000001 to DICOM as one value: _calculate_rescale
# takes such an image for a constant one, with Rescale Slope 1, and each pixel is stored as 0. A diffusion map in m2/s,
# where water has 3e-9, is 0 everywhere when it is read again; the same map in mm2/s keeps its values within 1e-4 of
# the largest. Nothing warns. A Decimal String (PS3.5 6.2) has an exponent, so that the slope, 4.6e-14, fits. Expected:
# the same values in either unit. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 pynetdicom==3.0.4 nibabel==5.4.2 \
    dicom-anonymizer==2.1.0 matplotlib==3.10.8 pandas==2.3.3 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps imagedata==3.10.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom

# imagedata loads its readers of all formats and servers; those of ITK and XNAT are not needed here.
sys.modules["itk"], sys.modules["xnat"] = ModuleType("itk"), ModuleType("xnat")
sys.modules["xnat"].session = sys.modules["xnat"]
sys.modules["xnat"].XNATSession = object
from imagedata import Series  # noqa: E402

print(f"imagedata {version('imagedata')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
VALUES = np.array([0, 0.5, 0.7, 1, 2.2, 3]).reshape(1, 2, 3)
found = {}
for unit, scale in (("mm2/s", 1e-3), ("m2/s", 1e-9)):
    folder = unit.replace("/", "_per_")
    Series(VALUES * scale).write(folder, formats=["dicom"])
    (path,) = (path for path in Path(folder).rglob("*") if path.is_file())
    file = pydicom.dcmread(path)
    by_hand = file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept)
    read = np.asarray(Series(folder)).reshape(VALUES.shape)
    same = bool(np.allclose(read, by_hand, rtol=1e-6, atol=0))
    found[unit] = same, float(np.abs(by_hand / scale - VALUES).max())
    print(f"{unit}: written {(VALUES * scale).ravel()}, slope {file.RescaleSlope}, read {read.ravel()}")
right, lost = found.values()
sys.exit(0 if right[0] and right[1] < 3e-4 and lost == (True, 3.0) else 1)
PYTHON
