#!/bin/sh
# dicom-csv's read_rtstruct names the contours by position: the first item of the ROI Contour Sequence gets the name of
# the first item of the Structure Set ROI Sequence, and so on. The standard joins them by number (Referenced ROI Number,
# PS3.3 C.8.8.6), in any order, and a structure without contours needs no item there: all names after it are wrong.
# Expected: the names of the numbers. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicom-csv==0.5.1 pydicom==3.0.2 \
    scikit-image==0.26.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import pydicom
from dicom_csv.rtstruct import read_rtstruct
from pydicom.dataset import Dataset

NAMES = {1: "Trachea", 2: "Lung_L", 3: "Cord"}


def item(**values):
    """A data set of these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def names(order):
    """The name that each structure with contours, by its number, gets with the contours in this order."""
    series = item(SeriesInstanceUID="1.2.826.0.1.3680043.8.498.3")
    study = item(RTReferencedSeriesSequence=[series])
    contours = []
    for number in order:
        square = [0, 0, number, 9, 0, number, 9, 9, number, 0, 9, number]  # on the plane z = number
        drawn = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=square)
        drawn.ContourImageSequence = [item(ReferencedSOPInstanceUID=f"1.2.826.0.1.3680043.8.498.1.{number}")]
        contours.append(item(ReferencedROINumber=number, ContourSequence=[drawn]))
    structures = item(
        ReferencedFrameOfReferenceSequence=[item(RTReferencedStudySequence=[study])],
        StructureSetROISequence=[item(ROINumber=number, ROIName=name) for number, name in NAMES.items()],
        ROIContourSequence=contours,
    )
    found = {}
    for (name, _), contour in read_rtstruct(structures).items():
        ((points,),) = contour.contour_data.values()
        found[NAMES[int(points[0, 2])]] = name
    return found


print(f"dicom-csv {version('dicom-csv')}, pydicom {pydicom.__version__}; true name and the one given")
same, swapped, lacking = names([1, 2, 3]), names([3, 2, 1]), names([2, 3])
print(f"contours in the order of the names: {same}")
print(f"in another order: {swapped}")
print(f"without contours for the trachea: {lacking}")
right = all(true == given for true, given in same.items()) and len(same) == len(NAMES)
wrong = swapped == {"Cord": "Trachea", "Lung_L": "Lung_L", "Trachea": "Cord"}
sys.exit(0 if right and wrong and lacking == {"Lung_L": "Trachea", "Cord": "Lung_L"} else 1)
PYTHON
