#!/bin/sh
# z-rad 26.9.0 refuses an axial CT with missing slices ("Inconsistent z-spacing"), but looks at the patient's z alone:
# a sagittal series, whose slices follow each other along x, may have any gap. Slices at 0, 3, 6, 9, 12, 15 and 36 mm
# then become 7 slices of 3 mm from 36 mm downwards, so that those at 0 to 15 mm come to lie at 18 to 33 mm, 18 mm off,
# and a contour at x = 6 mm has no slice there; the volume ends at 18 mm. Expected: the error of the axial series, or
# the right places. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 SimpleITK==2.5.7 scipy==1.15.3 \
    scikit-image==0.26.0 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps z-rad==26.9.0
mkdir "$folder/axial" "$folder/sagittal"
cd "$folder"
venv/bin/python -W ignore - "$folder" 2>warnings <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from zrad.exceptions import DataStructureError
from zrad.image import Image

POSITIONS = 0, 3, 6, 9, 12, 15, 36
print(f"z-rad {version('z-rad')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
found = {}
for name, axis, orientation in (("axial", 2, [1, 0, 0, 0, 1, 0]), ("sagittal", 0, [0, 1, 0, 0, 0, -1])):
    study, series, frame = (generate_uid() for _ in range(3))
    for number, position in enumerate(POSITIONS, start=1):
        ct = pydicom.Dataset()
        ct.file_meta = pydicom.dataset.FileMetaDataset()
        ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
        ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness, ct.InstanceNumber = 16, 16, [1, 1], 3, number
        ct.ImageOrientationPatient, ct.ImagePositionPatient = orientation, [0, 0, 0]
        ct.ImagePositionPatient[axis] = position
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
        ct.PixelData = np.full((16, 16), position, dtype="<i2").tobytes()
        ct.save_as(f"{name}/{number}.dcm", enforce_file_format=True)
    try:
        image = Image.from_dicom(f"{sys.argv[1]}/{name}", "CT")
    except DataStructureError as error:
        found[name] = "error"
        print(f"{name}: DataStructureError: {error}")
        continue
    places = [
        (int(pixels[0, 0]), round(image.sitk_image.TransformIndexToPhysicalPoint((0, 0, index))[axis]))
        for index, pixels in enumerate(image.array)
    ]
    found[name] = places
    print(f"{name}, slices of (mm) now at (mm): {places}")
wrong = [(36, 36), (15, 33), (12, 30), (9, 27), (6, 24), (3, 21), (0, 18)]
sys.exit(0 if found == {"axial": "error", "sagittal": wrong} else 1)
PYTHON
