#!/bin/sh
# panimg 0.18.2 (Grand Challenge's conversion to .mha) misplaces the voxels of DICOM series in three ways. It sorts
# slices by InstanceNumber and only reverses all of them by position, so a series that is numbered in the order of its
# acquisition, at 0, 10, 5 and 15 mm, keeps that order at an even distance of 5 mm: bands are exchanged. A missing slice
# isn't noticed, those at 0, 5, 15 and 20 mm come 6.67 mm apart. And PixelSpacing, the distance of rows and then of
# columns, is taken for x and y: pixels of 1 x 2 mm become 2 x 1 mm. DICOM has the place in ImagePositionPatient and no
# meaning in InstanceNumber. No message. Expected: an order by position, an error and (1, 2). Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 SimpleITK==2.5.7 pydicom==3.0.2 \
    pydantic==2.12.5 panimg-models==1.0.0
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps panimg==0.18.2
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import distribution, version
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

for name in ("panimg", "panimg.image_builders"):
    package = ModuleType(name)  # without its readers of other formats
    package.__path__ = [str(distribution("panimg").locate_file(name.replace(".", "/")))]
    sys.modules[name] = package
from panimg.image_builders.dicom import image_builder_dicom

print(f"panimg {version('panimg')}, pydicom {pydicom.__version__}, SimpleITK {sitk.__version__}")
found = []
for positions, spacing in (([0, 5, 10, 15], [1, 1]), ([0, 10, 5, 15], [1, 1]), ([0, 5, 15, 20], [1, 1]),
                           ([0, 5, 10, 15], [2, 1])):
    study, series, frame = (generate_uid() for _ in range(3))
    folder = Path(series)
    folder.mkdir()
    for number, position in enumerate(positions):
        ct = pydicom.Dataset()
        ct.file_meta = pydicom.dataset.FileMetaDataset()
        ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
        ct.PatientName, ct.PatientID, ct.StudyDate, ct.StudyID, ct.SeriesNumber = "A", "1", "20260101", "1", 1
        ct.InstanceNumber, ct.SliceThickness, ct.SliceLocation = number + 1, 5, position
        ct.ImagePositionPatient, ct.ImageOrientationPatient = [0, 0, position], [1, 0, 0, 0, 1, 0]
        ct.Rows, ct.Columns, ct.PixelSpacing = 4, 6, spacing
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
        ct.PixelData = np.full((4, 6), position, dtype="<i2").tobytes()  # each slice's value is its place
        ct.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    (built,) = image_builder_dicom(files=set(folder.iterdir()))
    values = sitk.GetArrayFromImage(built.image)[:, 0, 0].tolist()
    places = [round(built.image.TransformIndexToPhysicalPoint((0, 0, z))[2], 2) for z in range(4)]
    found.append((values, places, built.image.GetSpacing()[:2]))
    print(f"slices at {positions} mm, rows and columns {spacing} mm apart: at {places} mm is what was at {values} mm", end="")
    print(f", x and y {built.image.GetSpacing()[:2]}")
even = [0, 5, 10, 15]
kept = [(even, even, (1, 1)), ([0, 10, 5, 15], even, (1, 1)), ([0, 5, 15, 20], [0, 6.67, 13.33, 20], (1, 1))]
sys.exit(0 if found == [*kept, (even, even, (2, 1))] else 1)
PYTHON
