#!/bin/sh
# dicom-csv's get_image and stack_images round Rescale Slope and Intercept to half precision, as numpy's min_scalar_type
# asks only whether a number is in a type's range. A PET attenuation map in 1/cm (Units 1CM, PS3.3 C.8.9.1) with the
# slope 1e-6 becomes 1.3 % too high, with 2e-8 it is 0 everywhere. Expected: slope x pixel in at least single precision.
# Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicom-csv==0.5.1 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from dicom_csv import get_image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage

PIXEL = 1000


def value(slope):
    """The value of a pixel of PIXEL that get_image gives with this slope."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = PositronEmissionTomographyImageStorage, "1.2.826.0.1.3680043.8.498.1"
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.Rows = image.Columns = 2
    image.Units = "1CM"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.RescaleSlope, image.RescaleIntercept = slope, "0"
    image.PixelData = np.full((2, 2), PIXEL, "<u2").tobytes()
    image["PixelData"].VR = "OW"
    return float(get_image(image)[0, 0])


print(f"dicom-csv {version('dicom-csv')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
errors = {}
for slope in ("0.5", "1.2345", "0.000001", "0.00000002"):
    found, expected = value(slope), PIXEL * float(slope)
    errors[slope] = found / expected - 1
    print(f"slope {slope}: {PIXEL} becomes {found:.7g}, expected {expected:.7g}, {errors[slope]:+.3%}")
right = errors["0.5"] == 0 and 1e-5 < abs(errors["1.2345"]) < 1e-3
sys.exit(0 if right and 0.01 < errors["0.000001"] < 0.02 and errors["0.00000002"] == -1 else 1)
PYTHON
