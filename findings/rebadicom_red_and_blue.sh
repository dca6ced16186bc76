#!/bin/sh
# rebadicom 0.0.2's Image.save exchanges red and blue: it gives pydicom's pixels, red first, to OpenCV's imwrite, which
# takes blue first. In a colour Doppler image flow towards the probe becomes flow away from it. A YBR_FULL image is
# converted to RGB twice with pydicom 3, which does so itself and leaves Photometric Interpretation as it was: red,
# (200, 30, 30), is saved as (26, 255, 63). And of a CT, whose pixels have a sign, -1000 and 0 are black and all from
# 255 on white, as OpenCV makes 8 bits of it with a warning. Its text: "reading, converting, and inspecting DICOM".
# Expected: the colours of the file. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 pillow==12.0.0 numpy==2.2.6 \
    matplotlib==3.10.8 opencv-python-headless==4.12.0.88
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps rebadicom==0.0.2
cd "$folder"
MPLCONFIGDIR="$folder" OPENCV_LOG_LEVEL=ERROR venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import PIL.Image
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import convert_color_space
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage
from rebadicom.image import Image


def saved(pixels, photometric):
    """The pixels of the PNG that rebadicom makes of a DICOM file with these."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = UltrasoundImageStorage, "1.2.826.0.1.3680043.8.498.2"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset.save_as("image.dcm", enforce_file_format=True)
    Image("image.dcm").save("image.png")
    return np.asarray(PIL.Image.open("image.png")).tolist()


print(f"rebadicom {version('rebadicom')}, pydicom {pydicom.__version__}, OpenCV {version('opencv-python-headless')}")
towards_and_away = np.array([[[200, 30, 30], [30, 30, 200]]], dtype=np.uint8)
ct = np.array([[-1000, 0, 40, 255, 300, 2000]], dtype=np.int16)
found = [
    saved(towards_and_away, "RGB"),
    saved(convert_color_space(towards_and_away, "RGB", "YBR_FULL"), "YBR_FULL"),
    saved(ct, "MONOCHROME2"),
]
print(f"red and blue, {towards_and_away.tolist()}: as RGB {found[0]}, as YBR_FULL {found[1]}")
print(f"CT {ct.tolist()}: {found[2]}")
exchanged = found[0] == [[[30, 30, 200], [200, 30, 30]]]
sys.exit(0 if exchanged and found[1][0][0] == [26, 255, 63] and found[2] == [[0, 0, 40, 255, 255, 255]] else 1)
PYTHON
