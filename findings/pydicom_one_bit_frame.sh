#!/bin/sh
# pydicom 3.0.2 reads one frame of one-bit pixels with too few bytes: frames of a Segmentation follow each other without
# padding (PS3.5 8.1.1), so a frame of 5 x 7 pixels may touch 6 bytes, of which pydicom takes 5. pixel_array(index=) and
# iter_pixels then raise "cannot reshape" for some frames of a file whose frames the same library reads together.
# Expected: the frame, as in Dataset.pixel_array. Ends with 1 when that is no longer so.
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
from pydicom.pixels import iter_pixels, pixel_array
from pydicom.uid import ExplicitVRLittleEndian

FRAMES, ROWS, COLUMNS = 5, 5, 7
frames = np.random.default_rng(0).integers(0, 2, (FRAMES, ROWS, COLUMNS)).astype(np.uint8)
packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
dataset = Dataset()
dataset.file_meta = FileMetaDataset()
dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
dataset.Rows, dataset.Columns, dataset.NumberOfFrames = ROWS, COLUMNS, FRAMES
dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 1, 1, 0, 0
dataset.PixelData = packed + b"\0" * (len(packed) % 2)
dataset["PixelData"].VR = "OB"
assert np.array_equal(dataset.pixel_array, frames)


def outcome(number):
    """What one frame, read alone, is."""
    try:
        return "right" if np.array_equal(pixel_array(dataset, index=number), frames[number]) else "wrong pixels"
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


print(f"pydicom {pydicom.__version__}, numpy {np.__version__}; all frames together: right")
outcomes = [outcome(number) for number in range(FRAMES)]
for number, text in enumerate(outcomes):
    print(f"frame {number} alone: {text}")
read = 0
try:
    for _ in iter_pixels(dataset):
        read += 1
except ValueError:
    print(f"iter_pixels stops after {read} of {FRAMES} frames")
expected = ["right", "right", "ValueError: cannot reshape array of size 34 into shape (5,7)", "right", "right"]
sys.exit(0 if outcomes == expected and read == 2 else 1)
PYTHON
