#!/bin/sh
# rayglass 0.1.9 ("DICOM research API") exports a scan to NIfTI with left and right, and front and back, exchanged: it
# writes the affine of DICOM's axes, which run to the left and to the back, into a file whose axes run to the right and
# to the front by the standard. The last voxel of an axial scan, 15 mm to the left, is 15 mm to the right in the .nii,
# and readers take the file for RAS. The .nrrd of the same scan, whose header names its axes, is right, so the two
# exports of one scan lie mirrored. Volume.affine, which holds the same numbers, doesn't say in which axes; the NIfTI's
# description ends with "LPS", which no reader reads. Nothing warns. Expected: the first two rows of the affine with the
# other sign. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rayglass==0.1.9 pydicom==3.0.2 numpy==2.2.6 \
    SimpleITK==2.5.7 nibabel==5.4.2
mkdir "$folder/series"
cd "$folder"
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import sys

import nibabel
import numpy as np
import pydicom
import rayglass
import SimpleITK as sitk
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

print(f"rayglass {rayglass.__version__}, SimpleITK {sitk.__version__}, nibabel {nibabel.__version__}")
study, series, frame = (generate_uid() for _ in range(3))
for number in range(4):
    ct = pydicom.Dataset()
    ct.file_meta = pydicom.dataset.FileMetaDataset()
    ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
    ct.PatientName, ct.PatientID, ct.StudyDate, ct.StudyID, ct.SeriesNumber = "A", "1", "20260101", "1", 1
    ct.InstanceNumber, ct.SliceThickness, ct.SliceLocation = number + 1, 5, 5 * number
    ct.ImagePositionPatient, ct.ImageOrientationPatient = [10, 20, 5 * number], [1, 0, 0, 0, 1, 0]
    ct.Rows, ct.Columns, ct.PixelSpacing = 4, 6, [1, 1]
    ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
    ct.PixelData = np.arange(24, dtype="<i2").tobytes()
    ct.save_as(f"series/{number}.dcm", enforce_file_format=True)

scan = rayglass.open("series", series_uid=series)
reader = sitk.ImageSeriesReader()
reader.SetFileNames([f"series/{number}.dcm" for number in range(4)])
images = {"DICOM": reader.Execute()}
for kind in ("nii", "nrrd"):
    scan.export(f"scan.{kind}")
    images[kind] = sitk.ReadImage(f"scan.{kind}")
header = nibabel.load("scan.nii").header
found = {}
for name, image in images.items():
    found[name] = image.TransformIndexToPhysicalPoint((5, 3, 3))
    print(f"{name}: the last voxel, {image[5, 3, 3]}, is at {found[name]} mm (left, back, head)")
print(f"scan.nii: {''.join(nibabel.aff2axcodes(header.get_best_affine()))}, {header['descrip'].item().decode()}")
right, mirrored = (15, 23, 15), (-15, -23, 15)
sys.exit(0 if found == {"DICOM": right, "nii": mirrored, "nrrd": right} else 1)
PYTHON
