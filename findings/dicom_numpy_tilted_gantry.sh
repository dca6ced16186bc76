#!/bin/sh
# dicom-numpy 0.6.5's combine_slices returns a matrix that puts the slices of a CT with a tilted gantry straight above
# each other: its last column is at right angles to the slices, whichever way their positions go, so that in a head CT
# tilted by 20 degrees each slice is 1.7 mm further off than the one before, the twentieth 32 mm. Its check for even
# slices looks along the normal alone and finds nothing; the docstring asks for positions on a line, and these are.
# Each slice says where it is (Image Position (Patient), PS3.3 C.7.6.2.1.1). Expected: those positions, or an error. No
# report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicom-numpy==0.6.5 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from math import cos, radians, sin

import dicom_numpy
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"


def series(degrees):
    """A head CT of 20 slices: the gantry is tilted, the table moves 5 mm along z from slice to slice."""
    tilt, slices = radians(degrees), []
    for number in range(20):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SeriesInstanceUID, image.Modality = CTImageStorage, f"{ROOT}.1", "CT"
        image.InstanceNumber, image.PixelSpacing, image.SliceThickness = number + 1, [1, 1], 5
        image.ImageOrientationPatient = [1, 0, 0, 0, round(cos(tilt), 12), round(-sin(tilt), 12)]
        image.ImagePositionPatient = [0, 0, 5 * number]
        image.Rows = image.Columns = 4
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelData = np.zeros((4, 4), "<i2").tobytes()
        slices.append(image)
    return slices


print(f"dicom-numpy {version('dicom-numpy')}, pydicom {version('pydicom')}, numpy {np.__version__}")
distances = []
for degrees in (0, 20):
    slices = series(degrees)
    matrix = dicom_numpy.combine_slices(slices)[1]
    found = (matrix @ [0, 0, 19, 1])[:3]
    distances.append(np.linalg.norm(found - np.array(slices[19].ImagePositionPatient, dtype=float)))
    print(f"tilt {degrees}: the last slice begins at {slices[19].ImagePositionPatient}, by the matrix at", end=" ")
    print(f"{found.round(1).tolist()}, {distances[-1]:.1f} mm away")
sys.exit(0 if distances[0] < 0.1 and distances[1] > 30 else 1)
PYTHON
