#!/bin/sh
# spydcmtk 1.2.29's writeToVTI and writeToVTS make negative numbers of all stored values above 32767: they cast the
# pixels to 16 bits with a sign. PET scanners often use all 16 bits without one; of 0, 1000, 40000 and 65535 come 0,
# 1000, -25536 and -1, so the hottest voxel is nearly the coldest. getPixelDataAsNumpy, which they read with, has the
# right values. No message. Expected: the stored values, in a type that holds them. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 vtk==9.6.2 matplotlib==3.10.8 \
    scipy==1.15.3 numpy==2.2.6 tqdm==4.67.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps spydcmtk==1.2.29 ngawari==0.1.21
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import os
import sys
from importlib.metadata import version

import numpy as np
import pydicom
import vtk
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid
from spydcmtk.dcmTK import ListOfDicomStudies
from vtk.util.numpy_support import vtk_to_numpy

print(f"spydcmtk {version('spydcmtk')}, pydicom {pydicom.__version__}, VTK {vtk.VTK_VERSION}")
VALUES = [0, 1000, 40000, 65535]  # one for each slice
os.mkdir("series")
study, series, frame = (generate_uid() for _ in range(3))
for number, value in enumerate(VALUES):
    pet = pydicom.Dataset()
    pet.file_meta = pydicom.dataset.FileMetaDataset()
    pet.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pet.SOPClassUID, pet.SOPInstanceUID, pet.Modality = PositronEmissionTomographyImageStorage, generate_uid(), "PT"
    pet.StudyInstanceUID, pet.SeriesInstanceUID, pet.FrameOfReferenceUID = study, series, frame
    pet.PatientName, pet.PatientID, pet.StudyDate, pet.StudyID, pet.SeriesNumber = "A", "1", "20260101", "1", 1
    pet.InstanceNumber, pet.SliceLocation, pet.SliceThickness = number + 1, 3 * number, 3
    pet.ImagePositionPatient, pet.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
    pet.Rows, pet.Columns, pet.PixelSpacing = 4, 4, [2, 2]
    pet.SamplesPerPixel, pet.PhotometricInterpretation, pet.PixelRepresentation = 1, "MONOCHROME2", 0
    pet.BitsAllocated, pet.BitsStored, pet.HighBit, pet.RescaleSlope, pet.RescaleIntercept = 16, 16, 15, 1, 0
    pet.PixelData = np.full((4, 4), value, dtype="<u2").tobytes()
    pet.save_as(f"series/{number}.dcm", enforce_file_format=True)

pixels = ListOfDicomStudies.setFromDirectory("series")[0][0]
reader = vtk.vtkXMLImageDataReader()
reader.SetFileName(pixels.writeToVTI(os.path.abspath("image.vti")))
reader.Update()
written = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(4, 16)[:, 0]
print(f"stored: {VALUES}, read as {pixels.getPixelDataAsNumpy()[0][0, 0, :, 0].tolist()}")
print(f"image.vti: {written.tolist()} ({written.dtype})")
sys.exit(0 if written.tolist() == [0, 1000, -25536, -1] else 1)
PYTHON
