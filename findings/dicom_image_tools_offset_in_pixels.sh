#!/bin/sh
# dicom-image-tools 25.0.0 adds pixels to millimetres: a CtSeries' PatientGeometricalOffset, "from the scanner
# isocenter", is the position of the first pixel in mm plus the centre of the patient's mask in pixels plus the size of
# one pixel. A disc of water whose centre lies at the isocentre, in pixels of 0.5 mm, gets (16.5, 16.5) mm in place of
# (0, 0), a scan of 512 pixels 128.5 mm; only pixels of 1 mm come near, 1 mm off. For Siemens and Philips there is none
# at all: it tries to change a tuple, and a line that logging cannot format is all that is said. Expected: position +
# pixel * spacing (DICOM PS3.3 C.7.6.2.1.1). Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.15.3 scikit-image==0.25.2 \
    plotly==6.5.0 pydicom==3.0.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps dicom-image-tools==25.0.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import logging
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from dicom_image_tools.dicom_handlers.ct import CtSeries
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

logging.raiseExceptions = False  # its line for Siemens has no place for what it says
print("dicom-image-tools", version("dicom-image-tools"), "numpy", np.__version__)
rows, columns = np.mgrid[-32:33, -32:33]
disc = np.where(rows**2 + columns**2 < 400, 0, -1000).astype(np.int16)  # HU; the middle is pixel (32, 32)
found = {}
for maker in ("GE MEDICAL SYSTEMS", "SIEMENS"):
    for spacing in (0.5, 1.0):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
        image.SeriesInstanceUID, image.Modality, image.InstanceNumber = generate_uid(), "CT", 1
        image.Manufacturer, image.KVP, image.XRayTubeCurrent, image.TableHeight = maker, 120, 100, 0
        image.ImagePositionPatient, image.ImageOrientationPatient = [-32 * spacing] * 2 + [0], [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.SliceThickness = [spacing, spacing], 1
        image.RescaleSlope, image.RescaleIntercept = 1, 0
        image.Rows, image.Columns, image.SamplesPerPixel = 65, 65, 1
        image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 1
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelData = disc.tobytes()
        image.save_as("slice.dcm", enforce_file_format=True)
        series = CtSeries(image.SeriesInstanceUID)
        series.add_file(Path("slice.dcm"))
        series.get_patient_mask()
        offset = series.PatientGeometricalOffset
        found[maker, spacing] = offset and (offset[0].x, offset[0].y)
        print(f"{maker}, pixels of {spacing} mm: offset {found[maker, spacing]}, expected (0, 0) mm")
general = found["GE MEDICAL SYSTEMS", 0.5] == (16.5, 16.5) and found["GE MEDICAL SYSTEMS", 1.0] == (1, 1)
sys.exit(0 if general and found["SIEMENS", 0.5] is found["SIEMENS", 1.0] is None else 1)
PYTHON
