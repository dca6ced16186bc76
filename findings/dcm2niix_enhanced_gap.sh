#!/bin/sh
# dcm2niix 1.0.20260724 converts an Enhanced CT with a gap between its slices to evenly spaced ones without a word:
# slices at 0, 5, 20 and 25 mm become slices at 0, 8.3, 16.7 and 25 mm. For the same slices as single files it warns
# ("Interslice distance varies") and writes a second file, its name with _Eq, with interpolated slices at the right
# places. Each frame says where it is (Image Position (Patient), PS3.3 C.7.6.16.2.3), and nothing asks for even
# distances. Expected: the warning and the second file. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dcm2niix==1.0.20260724 nibabel==5.4.2 \
    pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nibabel
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"
STUDY, SERIES, FRAME = f"{ROOT}.20", f"{ROOT}.21", f"{ROOT}.22"
POSITIONS = [0, 5, 20, 25]
AXES = [1, 0, 0, 0, 1, 0]


def item(**values):
    """A dataset of these elements, for a file or a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def save(image, path, sop_class, number, pixels):
    """Write a CT of this class with these pixels."""
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = sop_class, f"{ROOT}.{number}", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = STUDY, SERIES, FRAME
    image.StudyDate, image.StudyTime, image.Manufacturer, image.PatientPosition = "20200101", "120000", "M", "HFS"
    image.InstanceNumber, image.SeriesNumber, image.ImageType = number, 1, ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.Rows = image.Columns = 4
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelData = pixels.astype("<i2").tobytes()
    image["PixelData"].VR = "OW"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = sop_class
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.save_as(path, enforce_file_format=True)


def write_single(folder):
    """The slices as single files; each has its height as value."""
    for number, position in enumerate(POSITIONS, start=1):
        image = item(PixelSpacing=[1, 1], SliceThickness=5, ImageOrientationPatient=AXES, AcquisitionNumber=1)
        image.ImagePositionPatient, image.RescaleSlope, image.RescaleIntercept = [0, 0, position], 1, 0
        save(image, folder / f"{number}.dcm", CTImageStorage, number, np.full((4, 4), position))


def write_enhanced(folder):
    """The same slices as frames of an Enhanced CT."""
    image = item(NumberOfFrames=len(POSITIONS), DimensionOrganizationSequence=[item(DimensionOrganizationUID=ROOT)])
    place = item(DimensionOrganizationUID=ROOT, DimensionIndexPointer=Tag("InStackPositionNumber"))
    place.FunctionalGroupPointer = Tag("FrameContentSequence")
    image.DimensionIndexSequence, frames = [place], []
    shared = item(PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=5)])
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=AXES)]
    shared.PixelValueTransformationSequence = [item(RescaleSlope=1, RescaleIntercept=0, RescaleType="HU")]
    for number, position in enumerate(POSITIONS, start=1):
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, position])])
        content = item(StackID="1", InStackPositionNumber=number, DimensionIndexValues=[number])
        frame.FrameContentSequence = [content]
        frames.append(frame)
    image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence = [shared], frames
    save(image, folder / "image.dcm", EnhancedCTImageStorage, 10, np.repeat(POSITIONS, 16))


def convert(name, write):
    """Convert a folder; returns whether there was a warning, and the heights of the first and second file's slices."""
    dicom, nifti = Path(name), Path(f"{name}_nifti")
    dicom.mkdir()
    nifti.mkdir()
    write(dicom)
    command = ["venv/bin/dcm2niix", "-f", "ct", "-z", "n", "-o", str(nifti), str(dicom)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    warned, heights = "distance varies" in done.stdout + done.stderr, []
    for path in sorted(nifti.glob("*.nii")):
        image = nibabel.load(path)
        slices = range(image.shape[2])
        heights.append([round(float((image.affine @ [0, 0, number, 1])[2]), 3) for number in slices])
        values = np.asarray(image.dataobj)[0, 0].tolist()
        print(f"{name}, {path.name}: the slices of {values} mm lie at {heights[-1]} mm; warning: {warned}")
    return warned, heights


print(f"dcm2niix {version('dcm2niix')}, pydicom {version('pydicom')}, nibabel {version('nibabel')}")
single, enhanced = convert("single", write_single), convert("enhanced", write_enhanced)
right = single[0] and len(single[1]) == 2 and single[1][1] == [0, 5, 10, 15, 20, 25]
sys.exit(0 if right and not enhanced[0] and len(enhanced[1]) == 1 and enhanced[1][0] != POSITIONS else 1)
PYTHON
