#!/bin/sh
# voxelkit 0.1.7's dicom_to_nifti exchanges columns and rows, and leaves Rescale Slope and Intercept out. Its NIfTI has
# the rows as first axis, but the affine's first column is the direction along a row (the first three numbers of Image
# Orientation, PS3.3 C.7.6.2.1.1) times the distance of rows, so that each slice is mirrored along its diagonal: in an
# axial CT a voxel 20 mm to the left and 5 mm to the back lies 5 mm to the left and 20 mm to the back, and left and
# right lung lie behind each other. Air is 24, not -1000 HU. Expected: the places and values that SimpleITK gives. The
# list of warnings that it returns is empty ("It does not silently fabricate physical coordinates"). Ends with 1 when
# that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 pydicom==3.0.2 nibabel==5.4.2 \
    pillow==13.0.0 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps voxelkit==0.1.7
mkdir "$folder/ct"
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

sys.modules |= {"h5py": MagicMock(), "tifffile": MagicMock()}  # for other formats only
from voxelkit.dicom import dicom_to_nifti

print(f"voxelkit {version('voxelkit')}, pydicom {version('pydicom')}, SimpleITK {sitk.Version.VersionString()}")
study, series, frame = (generate_uid() for _ in range(3))
for number in range(4):
    ct = pydicom.Dataset()
    ct.file_meta = pydicom.dataset.FileMetaDataset()
    ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
    ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness, ct.InstanceNumber = 30, 30, [1, 1], 2, number + 1
    ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * number]
    ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 0
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 12, 11, 1, -1024
    pixels = np.full((30, 30), 24, dtype="<u2")
    pixels[5, 20] = 1064 if number == 1 else 24
    ct.PixelData = pixels.tobytes()
    ct.save_as(f"ct/{number}.dcm", enforce_file_format=True)
result = dicom_to_nifti("ct", "scan.nii")
image = nib.load("scan.nii")
values = image.get_fdata()
(index,) = np.argwhere(values == values.max())
place = (np.diag([-1, -1, 1, 1]) @ image.affine @ [*index, 1])[:3].tolist()
reader = sitk.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames("ct"))
other = reader.Execute()
array = sitk.GetArrayFromImage(other)
(index,) = np.argwhere(array == array.max())[:, ::-1].tolist()
right = list(other.TransformIndexToPhysicalPoint(index))
print(f"voxel at {place} mm (LPS), SimpleITK {right} mm; air {values.min():.0f}, SimpleITK {array.min():.0f}")
print(f"warnings: {result['warnings']}")
ok = (place, right) == ([5, 20, 2], [20, 5, 2]) and (values.min(), array.min()) == (24, -1000)
sys.exit(0 if ok and not result["warnings"] else 1)
PYTHON
