#!/bin/sh
# dicompyler-core 0.5.6's CalculateStructureVolume gives the same structure another volume somewhere else: it counts the
# slices at both ends by half, but sorts the slices' heights as text, so that "100.00" and "103.00" come before "97.00",
# and -10 before -20. Moved along z from 0, 3 and 6 mm to 97, 100 and 103 mm, a structure of three slices that grows
# upwards has 1350 instead of 1200 mm3. Expected: the same volume. No report found. Ends with 1 when that changes.
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


def volume(heights):
    """The volume in mm3 of a structure with rectangles of 100, 200 and 300 mm2 at these heights, from below."""
    contours = []
    for number, height in enumerate(heights, start=1):
        points = [0, 0, height, 10 * number, 0, height, 10 * number, 10, height, 0, 10, height]
        contours.append(item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=points))
    structures = item(SOPClassUID=RTStructureSetStorage, SOPInstanceUID=f"{ROOT}.1", Modality="RTSTRUCT")
    structures.file_meta = FileMetaDataset()
    structures.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    structures.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    structures.file_meta.MediaStorageSOPInstanceUID = structures.SOPInstanceUID
    structures.StructureSetROISequence = [item(ROINumber=1, ROIName="lung")]
    structures.ROIContourSequence = [item(ReferencedROINumber=1, ContourSequence=contours)]
    parser = DicomParser(structures)
    planes = parser.GetStructureCoordinates(1)
    return 1000 * parser.CalculateStructureVolume(planes, parser.CalculatePlaneThickness(planes))


print(f"dicompyler-core {version('dicompyler-core')}, shapely {version('shapely')}, pydicom {version('pydicom')}")
found = []
for heights in ((0, 3, 6), (97, 100, 103)):
    found.append(volume(heights))
    print(f"slices at {heights} mm: {found[-1]:g} mm3")
sys.exit(0 if np.allclose(found, [1200, 1350]) else 1)
PYTHON
