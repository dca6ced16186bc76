#!/bin/sh
# medcore 1.6.0's ImageReader never reads a DICOM series as it means to: it calls SimpleITK's
# GetMetaDataDictionaryArray, which ImageSeriesReader does not have, takes the error for a failed reading and stacks
# the files itself; only verbose=True tells. Its stack has Slice Thickness for the slices' distance, so that a lung of
# 8 slices of 5 mm, 2.5 mm apart, is twice as large, and the rows of the direction matrix for its columns: a voxel of a
# coronal series at (5, 9, -2) mm lies at (5, -9, 2), and of a sagittal one at (9, 5, -2) at (23, -12, -5). Expected:
# the places that SimpleITK gives. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 pydicom==3.0.2 pandas==2.3.3 \
    matplotlib==3.11.2 networkx==3.6.1 opencv-python-headless==4.11.0.86 scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps medcore==1.6.0
cd "$folder"
MPLCONFIGDIR="$folder" venv/bin/python -W ignore - <<'PYTHON'
import os
import sys
from importlib.metadata import version

import numpy as np
import pydicom
import SimpleITK as sitk
from medcore import ImageReader
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

print(f"medcore {version('medcore')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
SERIES = (
    ("axial", 2, 2.5, [1, 0, 0, 0, 1, 0]),
    ("coronal", 1, 3, [1, 0, 0, 0, 0, -1]),
    ("sagittal", 0, 3, [0, 1, 0, 0, 0, -1]),
)
found = {}
for name, axis, distance, orientation in SERIES:
    os.mkdir(name)
    study, series, frame = (generate_uid() for _ in range(3))
    for number in range(8):
        ct = pydicom.Dataset()
        ct.file_meta = pydicom.dataset.FileMetaDataset()
        ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
        ct.Rows, ct.Columns, ct.PixelSpacing, ct.InstanceNumber = 6, 8, [1, 1], number + 1
        ct.SliceThickness = 5 if name == "axial" else 3
        ct.ImageOrientationPatient, ct.ImagePositionPatient = orientation, [0, 0, 0]
        ct.ImagePositionPatient[axis] = distance * number
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
        pixels = np.zeros((6, 8), dtype="<i2")
        pixels[2, 5] = 100 if number == 3 else 0
        ct.PixelData = pixels.tobytes()
        ct.save_as(f"{name}/{number}.dcm", enforce_file_format=True)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(name))
    found[name] = []
    for image in (ImageReader(name).read(), reader.Execute()):
        (index,) = np.argwhere(sitk.GetArrayFromImage(image))[:, ::-1].tolist()
        place = [round(number, 1) for number in image.TransformIndexToPhysicalPoint(index)]
        found[name].append((place, round(image.GetSpacing()[2], 1)))
    (mine, distance), (theirs, right) = found[name]
    print(f"{name}: voxel at {mine} mm, slices {distance} mm apart; SimpleITK alone {theirs} mm, {right} mm")
wrong = {
    "axial": [([5, 2, 15], 5), ([5, 2, 7.5], 2.5)],
    "coronal": [([5, -9, 2], 3), ([5, 9, -2], 3)],
    "sagittal": [([23, -12, -5], 3), ([9, 5, -2], 3)],
}
sys.exit(0 if found == wrong else 1)
PYTHON
