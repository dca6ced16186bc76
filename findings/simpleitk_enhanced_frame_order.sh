#!/bin/sh
# SimpleITK 2.5.7 reads an Enhanced CT whose frames are not stored in the order of their positions as a stack in the
# stored order with slices 1 mm apart: four slices over 15 mm, stored as 0, 10, 5 and 15 mm, become 3 mm with the two in
# the middle exchanged, and Spacing Between Slices, which says 5 mm, is not used. From below or above in order it is
# right. Frames may have any order; each has its Image Position (Patient) (PS3.3 C.7.6.16.2.3) and its place in the
# stack (C.7.6.16.2.2). Nothing warns. Expected: slices where they are, or an error. A remark in ITK's pull request 2010
# (2020) says that GDCM, which reads the file, takes frames to be in order. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"


def item(**values):
    """A dataset of these elements, for a file or a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def write(positions):
    """An Enhanced CT with frames at these heights, in this order; each has its height as value."""
    image = item(SOPClassUID=EnhancedCTImageStorage, SOPInstanceUID=f"{ROOT}.1", Modality="CT")
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"
    image.ImageType, image.NumberOfFrames = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], len(positions)
    image.Rows = image.Columns = 4
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.DimensionOrganizationSequence = [item(DimensionOrganizationUID=f"{ROOT}.5")]
    place = item(DimensionOrganizationUID=f"{ROOT}.5", DimensionIndexPointer=Tag("InStackPositionNumber"))
    place.FunctionalGroupPointer = Tag("FrameContentSequence")
    image.DimensionIndexSequence = [place]
    shared = item(PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=5, SpacingBetweenSlices=5)])
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    shared.PixelValueTransformationSequence = [item(RescaleSlope=1, RescaleIntercept=0, RescaleType="HU")]
    image.SharedFunctionalGroupsSequence, frames = [shared], []
    for position in positions:
        number = sorted(positions).index(position) + 1
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, position])])
        content = item(StackID="1", InStackPositionNumber=number, DimensionIndexValues=[number])
        frame.FrameContentSequence = [content]
        frames.append(frame)
    image.PerFrameFunctionalGroupsSequence = frames
    image.PixelData = np.repeat(positions, 16).astype("<i2").tobytes()
    image["PixelData"].VR = "OW"
    image.save_as("image.dcm", enforce_file_format=True)


print(f"SimpleITK {version('SimpleITK')}, pydicom {version('pydicom')}, numpy {np.__version__}")
right = []
for positions in ([0, 5, 10, 15], [15, 10, 5, 0], [0, 10, 5, 15]):
    write(positions)
    image = sitk.ReadImage("image.dcm")
    values = sitk.GetArrayFromImage(image)[:, 0, 0].tolist()
    heights = [image.TransformIndexToPhysicalPoint((0, 0, number))[2] for number in range(len(positions))]
    right.append(values == heights)
    print(f"frames of {values} mm are read at {heights} mm, spacing {image.GetSpacing()[2]:g} mm")
sys.exit(0 if right == [True, True, False] else 1)
PYTHON
