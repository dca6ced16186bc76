#!/bin/sh
# pydicom-seg 0.4.1 takes Slice Thickness for the distance of slices where a DICOM Segmentation has no Spacing Between
# Slices, which is not required (PS3.3 C.7.6.16.2.1); each frame's Image Position (Patient), which is, it rounds to that
# grid. Six slices of 5 mm that lie 2 mm apart, as in overlapping reconstructions, become three, every other one lost to
# the next, and a mask of 12 mm becomes one of 15 mm; six slices of 1.25 mm that lie 2.5 mm apart become eleven, every
# other one empty. No warning. Expected: six slices where they are. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jsonschema==3.2.0 setuptools==65.5.0 \
    SimpleITK==2.5.7 pydicom==2.4.5 numpy==1.26.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pydicom-seg==0.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom_seg
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

SLICES, SIZE = 6, 8


def item(**values):
    """A dataset of these elements, for a sequence or by itself."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def segmentation(thickness, distance):
    """One segment on six slices; slice 1 has one pixel of it, slice 2 has two, and so on."""
    dataset = item(SOPClassUID=SegmentationStorage, Modality="SEG", SegmentationType="BINARY", SegmentsOverlap="NO")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = SLICES, SIZE, SIZE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    frames = np.zeros((SLICES, SIZE, SIZE), dtype=np.uint8)
    for number in range(SLICES):
        frames[number, 0, : number + 1] = 1
    dataset.PixelData = np.packbits(frames, bitorder="little").tobytes()
    dataset.SegmentSequence = [item(SegmentNumber=1, SegmentLabel="lung")]
    shared = item(PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=thickness)])
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    dataset.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for number in range(SLICES):
        group = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, number * distance])])
        group.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=1)]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    return dataset


print(f"pydicom-seg {version('pydicom-seg')}, pydicom {version('pydicom')}, numpy {np.__version__}")
found = []
for thickness, distance in ((2, 2), (5, 2), (1.25, 2.5)):
    result = pydicom_seg.SegmentReader().read(segmentation(thickness, distance))
    found.append(result.segment_data(1).sum(axis=(1, 2)).tolist())
    print(f"6 slices of {thickness} mm, {distance} mm apart: {result.spacing[2]} mm apart, with pixels {found[-1]}")
right, halved, spread = found
sys.exit(0 if right == [1, 2, 3, 4, 5, 6] and len(halved) == 3 and spread == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6] else 1)
PYTHON
