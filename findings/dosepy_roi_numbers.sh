#!/bin/sh
# Dosepy 0.12.2's get_coordinates gives the contours of another structure where the numbers of the structures (ROI
# Number) are not 1, 2, 3 in the order of the file: it takes the number, less 1, as the place in the ROI Contour
# Sequence. With a heart, a lung and a spinal cord numbered 2, 3 and 1 the lung's contours are those of the cord, and no
# message says so; numbered 4, 5 and 6 they end with an IndexError. DICOM wants numbers that differ, and links the two
# sequences by the Referenced ROI Number (3006,0084). Expected: the contours that refer to the name's number. Ends with
# 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 SimpleITK==2.5.7 plotly==6.5.0 \
    scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps Dosepy==0.12.2
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import pydicom
from Dosepy.rtdose import load_structures
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

print(f"Dosepy {version('Dosepy')}, pydicom {pydicom.__version__}")
PLACES = {"heart": 10.0, "lung": 50.0, "spinal cord": 90.0}  # the first x of each contour


def structure_set(numbers):
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = RTStructureSetStorage, generate_uid(), "RTSTRUCT"
    data.StructureSetROISequence, data.ROIContourSequence = [], []
    for (name, x), number in zip(PLACES.items(), numbers):
        structure, contours, contour = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        structure.ROINumber, structure.ROIName, contours.ReferencedROINumber = number, name, number
        contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 4
        contour.ContourData = [x, 0, 0, x + 5, 0, 0, x + 5, 5, 0, x, 5, 0]
        contours.ContourSequence = [contour]
        data.StructureSetROISequence.append(structure)
        data.ROIContourSequence.append(contours)
    data.save_as("structures.dcm", enforce_file_format=True)
    return load_structures("structures.dcm")


found = {}
for numbers in ((1, 2, 3), (2, 3, 1), (4, 5, 6)):
    structures = structure_set(numbers)
    for name, expected in PLACES.items():
        try:
            x = float(structures.get_coordinates(name)[0][0, 0])
        except IndexError as error:
            x = type(error).__name__
        found[numbers, name] = x
        print(f"numbers {numbers}, {name}: contour at x = {x}, expected {expected}")
wrong = found[(2, 3, 1), "lung"] == PLACES["spinal cord"] and found[(4, 5, 6), "lung"] == "IndexError"
sys.exit(0 if wrong and found[(1, 2, 3), "lung"] == PLACES["lung"] else 1)
PYTHON
