#!/bin/sh
# pydicom's compress(RLELossless) destroys an image of 16 bits a pixel of which 8 or fewer are stored (PS3.5 8.1.1 and
# 8.2.2 allow it; an MR image has 16 bits allocated, however few it stores): it narrows each pixel to one byte, but
# encodes the bytes as two segments, as if there were two. It reports nothing and replaces Pixel Data; no decoder can
# read the result, pydicom's neither. Expected: the pixels, or an error. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, RLELossless

pixels = np.arange(48, dtype="<u2").reshape(6, 8)


def outcome(stored):
    """What an image of this many bits stored, of 16, is after compression and decompression."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, "1.2.826.0.1.3680043.8.498.1"
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, stored, stored - 1
    image.PixelData = pixels.tobytes()
    image["PixelData"].VR = "OW"
    image.compress(RLELossless)
    try:
        return "right" if np.array_equal(image.pixel_array, pixels) else "wrong pixels"
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[-1].strip()}"


print(f"pydicom {pydicom.__version__}, numpy {np.__version__}; pixels from 0 to {pixels.max()}, 16 bits allocated")
outcomes = {stored: outcome(stored) for stored in (9, 8)}
for stored, text in outcomes.items():
    print(f"{stored} bits stored, compressed and read again: {text}")
sys.exit(0 if outcomes[9] == "right" and "24 vs. 48 bytes" in outcomes[8] else 1)
PYTHON
