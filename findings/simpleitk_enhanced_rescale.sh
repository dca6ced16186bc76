#!/bin/sh
# SimpleITK 2.5.7 rescales all frames of an enhanced image by the first frame's slope and intercept: an Enhanced PET
# with the slopes 1, 2, 3 and 4, as scanners choose one for each slice, and the pixel 100 everywhere, is read as 100
# everywhere; an Enhanced CT, too. The Pixel Value Transformation belongs to a frame's own functional groups unless it
# is shared (PS3.3 C.7.6.16.2.9), and SimpleITK does read it there. Nothing warns. Expected: 100, 200, 300 and 400. A
# remark in ITK's pull request 2010 (2020) says that GDCM, which reads the file, looks at the first frame's groups only.
# Ends with 1 when that changes.
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
from pydicom.uid import EnhancedCTImageStorage, EnhancedPETImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"


def item(**values):
    """A dataset of these elements, for a file or a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def write(sop_class, modality, slopes, kind):
    """An enhanced image with one frame for each slope; all pixels are 100."""
    image = item(SOPClassUID=sop_class, SOPInstanceUID=f"{ROOT}.1", Modality=modality)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"
    image.ImageType, image.NumberOfFrames = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], len(slopes)
    image.Rows = image.Columns = 4
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.DimensionOrganizationSequence = [item(DimensionOrganizationUID=f"{ROOT}.5")]
    place = item(DimensionOrganizationUID=f"{ROOT}.5", DimensionIndexPointer=Tag("InStackPositionNumber"))
    place.FunctionalGroupPointer = Tag("FrameContentSequence")
    image.DimensionIndexSequence = [place]
    shared = item(PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=5, SpacingBetweenSlices=5)])
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    image.SharedFunctionalGroupsSequence, frames = [shared], []
    for number, slope in enumerate(slopes, start=1):
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 5 * number])])
        content = item(StackID="1", InStackPositionNumber=number, DimensionIndexValues=[number])
        frame.FrameContentSequence = [content]
        rescale = item(RescaleSlope=slope, RescaleIntercept=0, RescaleType=kind)
        frame.PixelValueTransformationSequence = [rescale]
        frames.append(frame)
    image.PerFrameFunctionalGroupsSequence = frames
    image.PixelData = np.full((len(slopes), 4, 4), 100, dtype="<u2").tobytes()
    image["PixelData"].VR = "OW"
    image.save_as("image.dcm", enforce_file_format=True)


print(f"SimpleITK {version('SimpleITK')}, pydicom {version('pydicom')}, numpy {np.__version__}")
found = []
for sop_class, modality, kind in ((EnhancedPETImageStorage, "PT", "US"), (EnhancedCTImageStorage, "CT", "HU")):
    for slopes in ([3, 3, 3, 3], [1, 2, 3, 4]):
        write(sop_class, modality, slopes, kind)
        found.append(sitk.GetArrayFromImage(sitk.ReadImage("image.dcm"))[:, 0, 0].tolist())
        print(f"{modality}, pixels of 100 with the slopes {slopes}: {found[-1]}")
sys.exit(0 if found == 2 * [[300] * 4, [100] * 4] else 1)
PYTHON
