#!/bin/sh
# dicom-exporter 1.0.0 (Kitware) loses four bits of every second voxel with --convert-12-bits: it puts two voxels of 16
# bits into three bytes as if the high byte came first, but VTK writes the low byte first, and the numbers for the
# browser have to be so. The upper half of the low byte is shifted out of its byte. Of 4096 different voxels of 12 bits
# 256 are left; 100 and 68 become the same three bytes. The file's index.json still says Uint16Array and the number of
# voxels. Without the option the values are right. Expected: 12 bits hold 4096 values. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check itk-core==5.4.7 itk-numerics==5.4.7 itk-io==5.4.7 \
    itk-filtering==5.4.7 vtk==9.6.2 numpy==2.2.6 pydicom==3.0.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps dicom-exporter==1.0.0
mkdir "$folder/scan"
cd "$folder"
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

print("dicom-exporter", version("dicom-exporter"), "itk", version("itk-core"), "vtk", version("vtk"))
voxels = np.zeros((2, 64, 64), dtype=np.uint16)
voxels.reshape(-1)[::2] = np.arange(4096)  # every value of 12 bits once, and a 0 after each
series, study, frame = generate_uid(), generate_uid(), generate_uid()
for number, pixels in enumerate(voxels):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
    image.SeriesInstanceUID, image.StudyInstanceUID, image.FrameOfReferenceUID = series, study, frame
    image.Modality, image.InstanceNumber = "CT", number + 1
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness = [1, 1], 1
    image.WindowCenter, image.WindowWidth = 2048, 4096
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    image.Rows, image.Columns, image.SamplesPerPixel = 64, 64, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelData = pixels.tobytes()
    image.save_as(f"scan/{number}.dcm", enforce_file_format=True)

data = {}
for name, options in (("16 bits", []), ("12 bits", ["--convert-12-bits"])):
    command = ["venv/bin/dicom-exporter", "scan", f"{name[:2]}.vtkjs", "--no-compress", *options]
    subprocess.run(command, check=True)
    arrays = [path.read_bytes() for path in Path(f"{name[:2]}.vtkjs/data").iterdir()]
    data[name] = max(arrays, key=len)
whole = np.frombuffer(data["16 bits"], "<u2")
pairs = np.frombuffer(data["12 bits"], np.uint8).reshape(-1, 3)
different = len(np.unique(pairs, axis=0))
print(f"16 bits: {len(data['16 bits'])} bytes, as in the scan: {np.array_equal(whole, voxels.reshape(-1))}")
print(f"12 bits: {len(data['12 bits'])} bytes, {different} of 4096 values differ; 100: {pairs[100]}, 68: {pairs[68]}")
same = np.array_equal(pairs[100], pairs[68])
sys.exit(0 if np.array_equal(whole, voxels.reshape(-1)) and different == 256 and same else 1)
PYTHON
