#!/bin/sh
# medio 0.7.1's "pdcm" reader makes signed 16-bit numbers of a multi-frame DICOM image's pixels and of their values
# after Rescale Slope and Intercept where both are whole numbers: stored pixels of 40000 (16 unsigned bits, PS3.3
# C.7.6.3.1) become negative, and so does 4000 with the slope 10, without a warning. Its "itk" reader gives the values.
# With a slope of 0.5 the results have 64-bit floats, but pixels above 32767 are negative there, too. Expected: slope x
# pixel + intercept (PS3.3 C.11.1.1.2). Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check medio==0.7.1 itk==5.4.7 pydicom==3.0.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import medio
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid


def item(**values):
    """A dataset of these elements, for a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def write(pixels, slope, intercept):
    """An enhanced CT of two slices, 5 mm apart."""
    image = item(SOPClassUID=EnhancedCTImageStorage, SOPInstanceUID=generate_uid(), Modality="CT")
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.NumberOfFrames, image.Rows, image.Columns = pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    shared = Dataset()
    shared.PixelMeasuresSequence = [item(PixelSpacing=[1, 1], SliceThickness=5)]
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    values = item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")
    shared.PixelValueTransformationSequence = [values]
    image.SharedFunctionalGroupsSequence = [shared]
    positions = [item(ImagePositionPatient=[0, 0, 5 * number]) for number in range(len(pixels))]
    image.PerFrameFunctionalGroupsSequence = [item(PlanePositionSequence=[position]) for position in positions]
    image.PixelData = pixels.astype("<u2").tobytes()
    image["PixelData"].VR = "OW"
    image.save_as("image.dcm", enforce_file_format=True)


print(f"medio {version('medio')}, itk {version('itk')}, pydicom {version('pydicom')}, numpy {np.__version__}")
wrong = []
for largest, slope, intercept in ((4000, 1, -1024), (40000, 1, -1024), (4000, 10, 0), (40000, 0.5, 0)):
    stored = [0, largest]
    write(np.array(stored)[:, None, None].repeat(2, axis=1).repeat(2, axis=2), slope, intercept)
    expected = [slope * pixel + intercept for pixel in stored]
    found = {reader: medio.read_img("image.dcm", backend=reader)[0][0, 0] for reader in ("pdcm", "itk")}
    wrong.append({reader: list(values) != expected for reader, values in found.items()})
    print(f"pixels {stored} x {slope} + {intercept}: pdcm {found['pdcm']}, itk {found['itk']}, expected {expected}")
right = not any(case["itk"] for case in wrong) and not wrong[0]["pdcm"]
sys.exit(0 if right and all(case["pdcm"] for case in wrong[1:]) else 1)
PYTHON
