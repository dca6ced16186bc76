#!/bin/sh
# pydicomrt draws a contour two planes below the first slice of the grid into the last slice, as numpy counts negative
# indices from the end, and one a plane below into the first, as it rounds towards 0. One above raises IndexError. Valid
# as a structure set belongs to a frame of reference (PS3.3 C.8.8.5) and may reach beyond a shorter series of it.
# Expected: the part inside the grid, here nothing. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicomrt==0.9.1 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicomrt.rs.rs_to_volume import calc_image_series_affine_mapping, rtstruct_to_masks

SLICES, SIZE, STEP = 6, 16, 3


def item(**values):
    """A data set of these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


series = [
    item(
        ImagePositionPatient=[0, 0, STEP * number], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[1, 1], SliceThickness=STEP, Rows=SIZE, Columns=SIZE,
    )
    for number in range(SLICES)
]
grid, shape = calc_image_series_affine_mapping(series)


def slices(number):
    """Slices with voxels of a square drawn on the plane of this number, or the error."""
    z = STEP * number
    points = [3.5, 3.5, z, 9.5, 3.5, z, 9.5, 9.5, z, 3.5, 9.5, z]
    contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=points)
    structures = item(
        StructureSetROISequence=[item(ROINumber=1, ROIName="lung")],
        ROIContourSequence=[item(ReferencedROINumber=1, ContourSequence=[contour])],
    )
    try:
        mask = rtstruct_to_masks(structures, grid, shape)["lung"]["mask_volume"]
    except IndexError as error:
        return f"IndexError: {error}"
    return np.flatnonzero(mask.any(axis=(1, 2))).tolist()


print(f"pydicomrt {version('pydicomrt')}, pydicom {pydicom.__version__}, numpy {np.__version__}; {SLICES} slices")
found = {number: slices(number) for number in (2, -1, -2, -3, 8)}
for number, text in found.items():
    print(f"a square on plane {number} is drawn on: {text}")
below = [found[number] for number in (-1, -2, -3)]
sys.exit(0 if found[2] == [2] and below == [[0], [5], [4]] and str(found[8]).startswith("IndexError") else 1)
PYTHON
