#!/bin/sh
# rt-utils takes the first value of PixelSpacing, the distance of rows, for the step along a row, and the second, the
# distance of columns, for the step along a column (PS3.3 10.7.1.3 has it the other way round). Contours of scans whose
# pixels are not square are drawn in the wrong place. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rt-utils==1.2.7 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from rt_utils import image_helper

slices = []
for number in range(2):
    header = Dataset()
    header.ImageOrientationPatient, header.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 5 * number]
    header.PixelSpacing, header.SliceThickness = [1, 2], 5  # rows 1 mm apart, columns 2 mm
    slices.append(header)
matrix = image_helper.get_pixel_to_patient_transformation_matrix(slices)
print(f"pydicom {pydicom.__version__}, numpy {np.__version__}")
print(f"ten columns further lies {(matrix @ [10, 0, 0, 0])[0]:g} mm further along x; PixelSpacing says 20")
sys.exit(0 if (matrix @ [10, 0, 0, 0])[0] == 10 else 1)
PYTHON
