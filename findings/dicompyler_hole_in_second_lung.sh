#!/bin/sh
# dicompyler-core 0.5.6's CalculateStructureVolume adds a hole instead of subtracting it where the structure has two
# parts on a slice and the hole lies in the one that comes second: two lungs in one structure, one with a hole, have a
# volume that is larger than without the hole. It takes for holes only contours inside of the first one. With the other
# lung first, the same contours have the right volume. Expected: the same volume in any order. No report found. Ends
# with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check shapely==2.1.2 pydicom==2.4.5 six==1.17.0 \
    numpy==1.26.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps dicompyler-core==0.5.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from dicompylercore.dicomparser import DicomParser
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

ROOT = "1.2.826.0.1.3680043.8.498.1"


def item(**values):
    """A dataset of these elements, for a sequence or by itself."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def rectangle(left, right, front, back, height):
    """A closed contour in the plane z = height, in mm."""
    points = [left, front, height, right, front, height, right, back, height, left, back, height]
    return item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=points)


def volume(*parts):
    """The volume in mm3 of a structure that has these rectangles on three slices, 3 mm apart."""
    contours = [rectangle(*part, height) for height in (0, 3, 6) for part in parts]
    structures = item(SOPClassUID=RTStructureSetStorage, SOPInstanceUID=f"{ROOT}.1", Modality="RTSTRUCT")
    structures.file_meta = FileMetaDataset()
    structures.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    structures.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    structures.file_meta.MediaStorageSOPInstanceUID = structures.SOPInstanceUID
    structures.StructureSetROISequence = [item(ROINumber=1, ROIName="lungs")]
    structures.ROIContourSequence = [item(ReferencedROINumber=1, ContourSequence=contours)]
    parser = DicomParser(structures)
    planes = parser.GetStructureCoordinates(1)
    return 1000 * parser.CalculateStructureVolume(planes, parser.CalculatePlaneThickness(planes))


print(f"dicompyler-core {version('dicompyler-core')}, shapely {version('shapely')}, pydicom {version('pydicom')}")
right, left, hole_in_left = (0, 10, 0, 10), (20, 30, 0, 10), (22, 26, 2, 6)
found = [volume(right, left), volume(left, right, hole_in_left), volume(right, left, hole_in_left)]
print(f"both lungs: {found[0]:g} mm3; with a hole of 96 mm3 in the left one: {found[1]:g} if it comes first,", end=" ")
print(f"{found[2]:g} if it comes second")
sys.exit(0 if np.allclose(found, [1200, 1104, 1296]) else 1)
PYTHON
