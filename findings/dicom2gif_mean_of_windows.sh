#!/bin/sh
# dicom2gif 1.2.0 makes one window of a CT's alternative ones: it takes the mean of all values of Window Center and of
# all of Window Width. A chest CT with a lung window and one of soft tissue, -600/1500 and 40/400, is shown with
# -280/950, which is neither: lungs of -850 HU, grey in the first, are as black as the air around the patient, and soft
# tissue of -50 and 60 HU, 70 grey values apart in the second, differ by 29. Several values are "alternative views"
# (PS3.3 C.11.2.1.2), of which one is chosen. Nothing warns ("windowing='dicom'"). Expected: the first window; the
# argument windowing=(-600, 1500) gives it. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicom2gif==1.2.0 pydicom==3.0.2 pillow==12.0.0 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from dicom2gif import DicomSeries, write
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

VALUES = [-2000, -1000, -850, -50, 60, 3000]  # of which the outer ones set the range of grey values
WINDOWS = {"lung": (-600, 1500), "soft tissue": (40, 400)}


def slice_with(*windows):
    """A CT slice of these values, stored as they are, with these windows."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.826.0.1.3680043.8.498.2"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.InstanceNumber, dataset.AcquisitionDateTime = 1, "20260301110000.000000"
    dataset.WindowCenter = [centre for centre, _ in windows]
    dataset.WindowWidth = [width for _, width in windows]
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 1, len(VALUES), 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PhotometricInterpretation, dataset.RescaleSlope, dataset.RescaleIntercept = "MONOCHROME2", 1, 0
    dataset.PixelData = np.array(VALUES, dtype="<i2").tobytes()
    return dataset


def greys(*windows):
    """The grey values that dicom2gif writes."""
    write(DicomSeries(slice_with(*windows)), "slice.tiff", duration=100)
    return [int(value) for value in np.asarray(Image.open("slice.tiff").convert("L")).ravel()]


print(f"dicom2gif {version('dicom2gif')}, pydicom {pydicom.__version__}")
found = {name: greys(window) for name, window in WINDOWS.items()}
found["both"], found["their mean"] = greys(*WINDOWS.values()), greys((-280, 950))
for name, values in found.items():
    print(f"{name}: {dict(zip(VALUES, values))}")
different = found["both"] not in (found["lung"], found["soft tissue"])
sys.exit(0 if different and found["both"] == found["their mean"] else 1)
PYTHON
