#!/bin/sh
# dicom2nifti 2.6.2 converts an Enhanced CT whose rescale is the same for all frames, and therefore stands in the Shared
# Functional Groups Sequence (PS3.3 C.7.6.16.1), without the rescale and without a word: air is 24, not -1000. The same
# image with the rescale in each frame's own groups has the right values. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicom2nifti==2.6.2 pydicom==3.0.2 nibabel==5.4.2 \
    numpy==2.2.6
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
from importlib.metadata import version
from pathlib import Path

import dicom2nifti
import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"
FRAMES, SIZE = 4, 8


def item(**values):
    """A data set of these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def enhanced(shared):
    """An Enhanced CT of air, -1000 HU, with its rescale in the shared or in each frame's functional groups."""
    image = item(SOPClassUID=EnhancedCTImageStorage, SOPInstanceUID=f"{ROOT}.1", Modality="CT", Manufacturer="M")
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"
    image.PatientID, image.InstanceNumber, image.NumberOfFrames, image.SamplesPerPixel = "1", 1, FRAMES, 1
    image.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    image.Rows = image.Columns = SIZE
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 1
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelData = np.full((FRAMES, SIZE, SIZE), 24, "<i2").tobytes()
    groups = item(PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=3)])
    groups.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    frames = []
    for number in range(FRAMES):
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 3 * number])])
        place = item(StackID="1", InStackPositionNumber=number + 1, DimensionIndexValues=[1, number + 1])
        frame.FrameContentSequence = [place]
        frames.append(frame)
    for target in [groups] if shared else frames:
        rescale = item(RescaleIntercept=-1024, RescaleSlope=1, RescaleType="HU")
        target.PixelValueTransformationSequence = [rescale]
    image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence = [groups], frames
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def values(shared):
    """The values that the converted image has."""
    folder = Path(os.environ["FOLDER"], str(shared))
    folder.mkdir()
    enhanced(shared).save_as(folder / "image.dcm", enforce_file_format=True)
    dicom2nifti.dicom_series_to_nifti(folder, folder / "image.nii", reorient_nifti=False)
    return np.unique(np.asarray(nibabel.load(folder / "image.nii").dataobj)).tolist()


print(f"dicom2nifti {version('dicom2nifti')}, pydicom {pydicom.__version__}, numpy {np.__version__}")
together, single = values(True), values(False)
print(f"-1000 HU everywhere; rescale for all frames together: {together}; in each frame: {single}")
sys.exit(0 if together == [24] and single == [-1000] else 1)
PYTHON
