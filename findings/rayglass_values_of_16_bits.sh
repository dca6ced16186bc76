#!/bin/sh
# rayglass 0.1.9 keeps each scan in whole numbers of 16 bits with a sign, whatever its values are. A PET whose rescale
# slope makes SUVs of its pixels, 0, 0.4, 1.4 and 12.6, has 0, 0, 1 and 13; one in Bq/ml, 0, 1000, 40000 and 65535 at
# slope 1, has 0, 1000, -25536 and -1, and at slope 2 no voxel is above 32767. Its units are "HU" each time. Nothing
# warns, and the page only says ".hu (numpy)" and ".units". A PET's pixels often use all 16 bits without a sign.
# Expected: a float, or an error. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rayglass==0.1.9 pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import os
import sys

import numpy as np
import pydicom
import rayglass
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

print(f"rayglass {rayglass.__version__}, pydicom {pydicom.__version__}")
found = []
for units, slope, stored in (
    ("GML", 0.0002, [0, 2000, 7000, 63000]),
    ("BQML", 1, [0, 1000, 40000, 65535]),
    ("BQML", 2, [0, 1000, 40000, 65535]),
):
    series, study, frame = (generate_uid() for _ in range(3))
    os.mkdir(series)
    for number, value in enumerate(stored):
        pet = pydicom.Dataset()
        pet.file_meta = pydicom.dataset.FileMetaDataset()
        pet.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        pet.SOPClassUID, pet.SOPInstanceUID, pet.Modality = PositronEmissionTomographyImageStorage, generate_uid(), "PT"
        pet.StudyInstanceUID, pet.SeriesInstanceUID, pet.FrameOfReferenceUID = study, series, frame
        pet.PatientName, pet.PatientID, pet.StudyDate, pet.StudyID, pet.SeriesNumber = "A", "1", "20260101", "1", 1
        pet.InstanceNumber, pet.SliceThickness, pet.Units, pet.SliceLocation = number + 1, 3, units, 3 * number
        pet.ImagePositionPatient, pet.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
        pet.Rows, pet.Columns, pet.PixelSpacing = 4, 4, [2, 2]
        pet.SamplesPerPixel, pet.PhotometricInterpretation, pet.PixelRepresentation = 1, "MONOCHROME2", 0
        pet.BitsAllocated, pet.BitsStored, pet.HighBit, pet.RescaleSlope, pet.RescaleIntercept = 16, 16, 15, slope, 0
        pet.PixelData = np.full((4, 4), value, dtype="<u2").tobytes()
        pet.save_as(f"{series}/{number}.dcm", enforce_file_format=True)
    volume = rayglass.open(series, series_uid=series).volume()
    found.append(np.asarray(volume.hu)[:, 0, 0].tolist())
    right = [round(value * slope, 1) for value in stored]
    print(f"{units}, slope {slope}: {found[-1]} {volume.units} ({np.asarray(volume.hu).dtype}), expected {right}")
sys.exit(0 if found == [[0, 0, 1, 13], [0, 1000, -25536, -1], [0, 2000, 32767, 32767]] else 1)
PYTHON
