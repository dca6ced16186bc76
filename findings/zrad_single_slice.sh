#!/bin/sh
# z-rad 26.9.0 takes the position of a CT of one slice for its thickness: the same slice of 5 mm is 37.5 mm thick at z
# = 37.5 mm and 60 mm at 60 mm, and a mask of 100 mm2 has a volume of 3750 or 6000 instead of 500 mm3. At -120 mm and
# at 0 it ends with an error of ITK on "negative" or "zero-valued" spacing, although Slice Thickness (0018,0050), 5,
# stands in the file. Nothing warns of the former. Expected: 5 mm wherever the patient lies, or an error that names the
# missing distance. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 SimpleITK==2.5.7 scipy==1.15.3 \
    scikit-image==0.26.0 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps z-rad==26.9.0
mkdir "$folder/ct"
cd "$folder"
venv/bin/python -W ignore - "$folder/ct" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from zrad.image import Image

print(f"z-rad {version('z-rad')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
found = {}
for height in (37.5, 60, -120, 0):
    ct = pydicom.Dataset()
    ct.file_meta = pydicom.dataset.FileMetaDataset()
    ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = (generate_uid() for _ in range(3))
    ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness, ct.InstanceNumber = 16, 16, [1, 1], 5, 1
    ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, height]
    ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
    ct.PixelData = np.full((16, 16), -900, dtype="<i2").tobytes()
    ct.save_as("ct/slice.dcm", enforce_file_format=True)
    try:
        thickness = float(Image.from_dicom(sys.argv[1], "CT").spacing[2])
        print(f"slice of 5 mm at z = {height} mm: {thickness} mm thick, 100 mm2 are {100 * thickness:.0f} mm3")
        found[height] = thickness
    except RuntimeError as error:
        print(f"slice of 5 mm at z = {height} mm: RuntimeError: {str(error).splitlines()[-1]}")
        found[height] = "error"
sys.exit(0 if found == {37.5: 37.5, 60: 60, -120: "error", 0: "error"} else 1)
PYTHON
