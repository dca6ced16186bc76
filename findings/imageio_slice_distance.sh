#!/bin/sh
# ImageIO 2.38.1's DICOM plugin measures the distance of a series' slices along the patient's z alone: "sampling", the
# voxel's size in the metadata of volread, has 0 mm for a sagittal or coronal series, and 4.33 instead of 5 mm for one
# tilted by 30 degrees, so that a mask's volume is 0 or 13 % too small. Slices follow each other at right angles to
# Image Orientation (Patient) (PS3.3 C.7.6.2.1.1), which the plugin does not use. Expected: 5 mm in all three. Ends with
# 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check imageio==2.38.1 pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import os
import sys

import imageio
import imageio.v2
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

DISTANCE = 5
SERIES = {
    "axial": [1, 0, 0, 0, 1, 0],
    "tilted by 30 degrees": [1, 0, 0, 0, 0.8660254, 0.5],
    "sagittal": [0, 1, 0, 0, 0, -1],
}
print(f"ImageIO {imageio.__version__}, pydicom {pydicom.__version__}, numpy {np.__version__}")
found = []
for name, orientation in SERIES.items():
    os.mkdir(name)
    normal = np.cross(orientation[:3], orientation[3:])
    study, series = generate_uid(), generate_uid()
    for number in range(4):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, generate_uid(), "CT"
        image.file_meta.MediaStorageSOPClassUID = CTImageStorage
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID, image.InstanceNumber = study, series, number + 1
        image.PatientName, image.StudyDate = "Phantom^Lung", "20200101"
        image.StudyDescription, image.SeriesDescription = "study", "series"
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
        image.Rows, image.Columns, image.PixelSpacing, image.SliceThickness = 3, 4, [1, 2], DISTANCE
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.ImageOrientationPatient = orientation
        image.ImagePositionPatient = [round(float(each), 6) for each in DISTANCE * number * normal]
        image.RescaleSlope, image.RescaleIntercept = 1, -1024
        image.PixelData = np.zeros((3, 4), dtype="<i2").tobytes()
        image["PixelData"].VR = "OW"
        image.save_as(f"{name}/{number}.dcm", enforce_file_format=True)
    volume = imageio.v2.volread(name, "DICOM", progress=False)
    found.append(round(volume.meta["sampling"][0], 2))
    print(f"{name}: array of {volume.shape}, sampling {volume.meta['sampling']} mm; slices are {DISTANCE} mm apart")
sys.exit(0 if found == [5, 4.33, 0] else 1)
PYTHON
