#!/bin/sh
# vesselknit 1.0.0's load_reference_image loads one slice of a coronal or sagittal series: to drop slices that are
# there twice it keeps one file for each of the patient's z, which all slices of such a series have in common. A series
# of 8 slices, 3 mm apart, becomes an image of 1 slice of 1 mm; the axial series of the same size has its 8. Only the
# log says so, at the level INFO ("Deduplicated DICOM slices: 8 -> 1"), and a mesh is then voxelized in that one slice.
# Expected: 8 slices, or an error. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vesselknit==1.0.0 pydicom==3.0.2 SimpleITK==2.5.7 \
    vtk==9.6.2 scipy==1.15.3 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import os
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from vesselknit.io import load_reference_image

print(f"vesselknit {version('vesselknit')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
VIEWS = ("axial", 2, [1, 0, 0, 0, 1, 0]), ("coronal", 1, [1, 0, 0, 0, 0, -1]), ("sagittal", 0, [0, 1, 0, 0, 0, -1])
found = {}
for name, axis, orientation in VIEWS:
    os.mkdir(name)
    study, series, frame = (generate_uid() for _ in range(3))
    for number in range(8):
        ct = pydicom.Dataset()
        ct.file_meta = pydicom.dataset.FileMetaDataset()
        ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
        ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness, ct.InstanceNumber = 16, 16, [1, 1], 3, number + 1
        ct.ImageOrientationPatient, ct.ImagePositionPatient = orientation, [0, 0, 0]
        ct.ImagePositionPatient[axis] = 3 * number
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
        ct.PixelData = np.full((16, 16), -900, dtype="<i2").tobytes()
        ct.save_as(f"{name}/{number}.dcm", enforce_file_format=True)
    image = load_reference_image(name)
    found[name] = image.GetSize()[2]
    print(f"{name}, 8 files: image of {image.GetSize()} voxels, spacing {image.GetSpacing()} mm")
sys.exit(0 if found == {"axial": 8, "coronal": 1, "sagittal": 1} else 1)
PYTHON
