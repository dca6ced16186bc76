#!/bin/sh
# DicomForge 0.10.0's to_pil_image (and to_jpeg_preview, which calls it) puts the window over the stored pixels, not
# over the values that Rescale Slope and Intercept make of them: a CT with the intercept -1024 and the lung window
# -600/1500 of its own header is white almost everywhere. Window Center and Width are of the values after the Modality
# LUT (PS3.3 C.11.2.1.2). An intercept of 0 hides it. Expected: the same grey values either way. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicomforge==0.10.0 pydicom==3.0.2 pillow==12.1.0 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import dicomforge
import numpy as np
import pydicom
from dicomforge.adapt import to_pil_image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

HOUNSFIELD = np.array([[-1000, -800, -600, -400, 0, 40, 100, 1000]])
print(f"dicomforge {version('dicomforge')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
print("HU:", HOUNSFIELD[0])
grey = {}
for intercept in (0, -1024):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, generate_uid(), "CT"
    image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
    image.Rows, image.Columns = HOUNSFIELD.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.RescaleSlope, image.RescaleIntercept, image.WindowCenter, image.WindowWidth = 1, intercept, -600, 1500
    image.PixelData = (HOUNSFIELD - intercept).astype("<i2").tobytes()
    image["PixelData"].VR = "OW"
    image.save_as("image.dcm", enforce_file_format=True)
    grey[intercept] = np.asarray(to_pil_image(dicomforge.read("image.dcm")))[0]
    print(f"intercept {intercept}: grey values {grey[intercept]}")
right = list(grey[0][:3]) == [59, 93, 127]  # 255 * ((HU + 600.5) / 1499 + 0.5)
sys.exit(0 if right and grey[-1024][0] > 200 and (grey[-1024][1:] == 255).all() else 1)
PYTHON
