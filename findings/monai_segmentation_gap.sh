#!/bin/sh
# MONAI 1.6.1's PydicomReader reads a DICOM Segmentation that leaves out its empty frames (highdicom does so unless told
# otherwise) as if each segment had the same slices, evenly from the first frame's to the last: two nodules of two
# slices each, at 5 and 10 and at 25 and 30 mm, both come out at 10 and 25 mm, in slices that are 15 mm apart, so that
# each has 3 times its volume. Nothing warns; only where the segments' numbers of frames differ it raises an error.
# Expected: each frame at its Image Position (Patient), or an error. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check monai==1.6.1 torch==2.13.0 highdicom==0.28.2 \
    pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from highdicom.seg import Segmentation, SegmentAlgorithmTypeValues, SegmentDescription
from monai.data import PydicomReader
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SLICES, DISTANCE = 8, 5.0
EMPTY = "PatientBirthDate PatientSex AccessionNumber ReferringPhysicianName StudyID StudyDate StudyTime".split()
study, series, frame = (generate_uid() for _ in range(3))
scan = []
for number in range(SLICES):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, generate_uid(), "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
    image.PatientID, image.PatientName, image.InstanceNumber = "1", "Phantom^Lung", number + 1
    for name in EMPTY:
        setattr(image, name, "")
    image.Rows, image.Columns, image.PixelSpacing, image.SliceThickness = 3, 4, [1, 1], DISTANCE
    image.ImageOrientationPatient, image.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, DISTANCE * number]
    scan.append(image)
nodules = np.zeros((SLICES, 3, 4, 2), dtype=np.uint8)
nodules[1:3, 1, 1, 0] = 1
nodules[5:7, 1, 2, 1] = 1
kind = codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Nodule, SegmentAlgorithmTypeValues.MANUAL
described = [SegmentDescription(number, f"nodule {number}", *kind) for number in (1, 2)]
print(f"MONAI {version('monai')}, highdicom {version('highdicom')}, pydicom {version('pydicom')}")
heights = {}
for leave_out in (False, True):
    segmentation = Segmentation(
        scan, nodules, "BINARY", described, generate_uid(), 1, generate_uid(), 1, "maker", "model", "1", "1",
        omit_empty_frames=leave_out,
    )  # fmt: skip
    segmentation.save_as("nodules.dcm")
    reader = PydicomReader()
    voxels, meta = reader.get_data(reader.read("nodules.dcm"))
    affine = np.asarray(meta["affine"], dtype=float)
    heights[leave_out] = [
        sorted(float((affine @ [*index, 1])[2]) for index in np.argwhere(voxels[..., segment])) for segment in (0, 1)
    ]
    volume = 2 * abs(np.linalg.det(affine[:3, :3]))
    frames = "no empty frames" if leave_out else "all frames"
    print(f"{frames}: nodules at {heights[leave_out]} mm, each of {volume:g} mm3 in an array of {voxels.shape}")
sys.exit(0 if heights == {False: [[5, 10], [25, 30]], True: [[10, 25], [10, 25]]} else 1)
PYTHON
