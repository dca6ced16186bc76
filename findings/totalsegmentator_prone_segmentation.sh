#!/bin/sh
# TotalSegmentator 2.18.0 mirrors its DICOM segmentation of a prone CT from left to right. Such a scan, as of
# interstitial lung disease, has the Image Orientation -1\0\0\0\-1\0 (PS3.3 C.7.6.2). save_mask_as_dicomseg flips the
# mask's rows where the second vector asks for it, looks at no other number, and does not use the affine that it takes.
# Expected: the marked voxel at the same place in the patient, as for a supine scan. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 requests==2.34.2 tqdm==4.67.1 \
    dicom2nifti==2.6.2 highdicom==0.28.2 pydicom==3.0.2 nibabel==5.4.2 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps TotalSegmentator==2.18.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import highdicom
import nibabel
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from totalsegmentator.dicom_io import dcm_to_nifti, save_mask_as_dicomseg

ROWS, COLUMNS, SLICES = 6, 8, 4
MARKED = 1, 2, 1


def write_scan(folder, orientation):
    """A CT of SLICES slices, 5 mm apart, with pixels of 1 x 2 mm."""
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for number in range(SLICES):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, generate_uid(), "CT"
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.file_meta.MediaStorageSOPClassUID = CTImageStorage
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
        image.PatientID, image.PatientName, image.InstanceNumber = "1", "Phantom^Lung", number + 1
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
        image.Rows, image.Columns = ROWS, COLUMNS
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelSpacing, image.SliceThickness = [1, 2], 5
        image.ImageOrientationPatient, image.ImagePositionPatient = orientation, [10, 20, 30 + 5 * number]
        image.RescaleSlope, image.RescaleIntercept = "1", "-1024"
        image.PixelData = np.arange(ROWS * COLUMNS, dtype="<i2").tobytes()
        image["PixelData"].VR = "OW"
        image.save_as(folder / f"{number}.dcm", enforce_file_format=True)


print(f"TotalSegmentator {version('TotalSegmentator')}, highdicom {version('highdicom')}")
moved = {}
for name, orientation in {"supine": [1, 0, 0, 0, 1, 0], "prone": [-1, 0, 0, 0, -1, 0]}.items():
    folder = Path(name)
    folder.mkdir()
    write_scan(folder, orientation)
    dcm_to_nifti(folder, Path(f"{name}.nii.gz"))
    scan = nibabel.load(f"{name}.nii.gz")
    mask = np.zeros(scan.shape, dtype=np.uint8)
    mask[MARKED] = 1
    expected = (scan.affine @ [*MARKED, 1])[:3] * [-1, -1, 1]
    save_mask_as_dicomseg(mask, {1: "lung_upper_lobe_left"}, folder, Path(f"{name}.dcm"), scan.affine)
    volume = highdicom.seg.segread(f"{name}.dcm").get_volume(combine_segments=True)
    (found,) = volume.map_indices_to_reference(np.argwhere(volume.array))
    moved[name] = found - expected
    print(f"{name}: marked at {expected} mm (left, back, up), in the segmentation at {found} mm")
sys.exit(0 if not np.any(moved["supine"]) and np.allclose(moved["prone"], [10, 0, 0]) else 1)
PYTHON
