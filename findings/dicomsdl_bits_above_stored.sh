#!/bin/sh
# dicomsdl 0.109.4 reads pixels with fewer bits stored than allocated as if all allocated bits were the number: signed
# pixels of 12 bits, whose sign is bit 11, come out positive unless the file repeats the sign above it, and other bits
# there, such as an old overlay's, are added. In a CT of 12 signed bits air, 0xC00, is 3072 instead of -1024 HU. Readers
# may take the unused bits neither for zeros nor for copies of the sign (PS3.5 8.1.1). No warning; with 16 bits stored
# it is right. Expected: as pydicom reads it. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicomsdl==0.109.4 pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import dicomsdl
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def read(cells, signed, stored):
    """A CT with these pixel cells of 16 bits, as dicomsdl and pydicom read it."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, "1.2.826.0.1.3680043.8.498.1", "CT"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.Rows, image.Columns = 1, len(cells)
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", signed
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, stored, stored - 1
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    image.PixelData = np.array(cells, dtype="<u2").tobytes()
    image["PixelData"].VR = "OW"
    image.save_as("image.dcm", enforce_file_format=True)
    return dicomsdl.open("image.dcm").pixelData()[0].tolist(), pydicom.dcmread("image.dcm").pixel_array[0].tolist()


print(f"dicomsdl {version('dicomsdl')}, pydicom {version('pydicom')}, numpy {np.__version__}")
same = []
for name, cells, signed, stored in (
    ("16 bits, signed", [0xFC00, 0, 40], 1, 16),
    ("12 bits, signed, sign repeated", [0xFC00, 0, 40], 1, 12),
    ("12 bits, signed", [0x0C00, 0, 40], 1, 12),
    ("12 bits, unsigned, with bits above", [0x1000, 0, 40], 0, 12),
):
    found, expected = read(cells, signed, stored)
    same.append(found == expected)
    print(f"{name}: dicomsdl {found}, pydicom {expected}")
sys.exit(0 if same == [True, True, False, False] else 1)
PYTHON
