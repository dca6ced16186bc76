#!/bin/sh
# pydicomutils 0.2.2's CT and CR images have their rows' number for the columns' and the other way round: add_pixel_data
# takes the second axis of a NumPy image for Rows and the first for Columns, and writes the pixels as they lie in
# memory. A slice of 40 rows and 60 columns, as of a scan that was cropped to the chest, is read as 60 rows of 40, in
# which each row begins where the last one broke off: a vessel of 10 x 10 pixels at row 10, column 40 becomes pieces
# between the rows 16 and 29, from column 0 to 29. A square image shows nothing, SCImage of the same package is right,
# and nothing warns of it. Expected: the array that went in, as pydicom's pixel_array. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 pydicom==3.0.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pydicomutils==0.2.2
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from pydicomutils.IODs.CRImage import CRImage
from pydicomutils.IODs.CTImage import CTImage

print(f"pydicomutils {version('pydicomutils')}, pydicom {pydicom.__version__}")
found = {}
for kind in (CTImage, CRImage):
    for shape in ((60, 60), (40, 60)):
        pixels = np.zeros(shape, dtype=np.uint16)
        pixels[10:20, 40:50] = 1000
        image = kind()
        image.create_empty_iod()
        image.initiate()
        image.add_pixel_data(pixels)
        image.write_to_file("image.dcm")
        read = pydicom.dcmread("image.dcm").pixel_array
        rows, columns = np.nonzero(read)
        found[kind.__name__, shape] = read.shape, np.array_equal(read, pixels)
        place = f"rows {rows.min()} to {rows.max()}, columns {columns.min()} to {columns.max()}"
        print(f"{kind.__name__} of {shape}: read as {read.shape}, the vessel in {place}")
right = all(found[kind, (60, 60)] == ((60, 60), True) for kind in ("CTImage", "CRImage"))
sys.exit(0 if right and all(found[kind, (40, 60)] == ((60, 40), False) for kind in ("CTImage", "CRImage")) else 1)
PYTHON
