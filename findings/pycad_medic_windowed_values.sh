#!/bin/sh
# pycad-medic 0.0.11's windowing changes a CT's values inside the window, where it says that it converts the "image back
# to the original scale". NiftiCTWindowing stretches what is left after cutting to the whole window: a scan of soft
# tissue, 0 to 100 HU throughout, comes out with -160 HU for 0, -60 for 25 and 240 for 100 in the window 40/400; only a
# scan that has values at both ends of the window is right. DicomCTWindowing does that slice by slice, stores HU, and
# writes a Rescale Slope and Intercept for numbers of 0 to 255 beside them, so that any reader scales HU again: -160, 40
# and 240 HU are -411, -97 and 216. Nothing warns. Expected: values in the window as they were, those outside at its
# ends. (The files are loaded alone here, without the package's other imports.) Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 opencv-python-headless==4.11.0.86 \
    nibabel==5.4.2 pydicom==2.4.4 matplotlib==3.8.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pycad-medic==0.0.11
cd "$folder"
MPLBACKEND=Agg venv/bin/python - <<'PYTHON'
import runpy
import sys
from importlib.metadata import distribution

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

package = distribution("pycad-medic")
print(f"pycad-medic {package.version}, nibabel {nib.__version__}, pydicom {pydicom.__version__}")
of_nifti = runpy.run_path(str(package.locate_file("pycad/preprocessing/nifti_ct_windowing.py")))["NiftiCTWindowing"]
of_dicom = runpy.run_path(str(package.locate_file("pycad/preprocessing/dicom_ct_windowing.py")))["DicomCTWindowing"]
found = []
for values in ((-1000, 0, 25, 100, 1000), (0, 0, 25, 100, 100)):
    scan = np.resize(np.array(values, dtype=np.int16), (5, 5, 5))
    nib.save(nib.Nifti1Image(scan, np.eye(4)), "scan.nii")
    of_nifti(40, 400).convert("./scan.nii", "./windowed.nii")
    windowed = nib.load("windowed.nii").get_fdata()
    found.append([int(windowed[scan == value][0]) for value in (0, 25, 100)])
    print(f"NIfTI of {values[0]} to {values[-1]} HU: 0, 25 and 100 HU are {found[-1]}")

image = Dataset()
image.file_meta = FileMetaDataset()
image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
image.is_little_endian, image.is_implicit_VR = True, False
image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
image.Rows = image.Columns = 4
image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
image.RescaleSlope, image.RescaleIntercept = 1, 0
image.PixelData = np.resize(np.array([-1000, 40, 240, -160], dtype=np.int16), (4, 4)).tobytes()
image.save_as("slice.dcm", write_like_original=False)
of_dicom(40, 400).preprocess_ct_image("slice.dcm", ".", 0)
saved = pydicom.dcmread("slice_0000.dcm")
values = saved.pixel_array * float(saved.RescaleSlope) + float(saved.RescaleIntercept)
found.append([round(float(value)) for value in values[0, [3, 1, 2]]])
print(f"DICOM: -160, 40 and 240 HU are {found[-1]}")
sys.exit(0 if found == [[0, 25, 100], [-160, -60, 240], [-411, -97, 216]] else 1)
PYTHON
