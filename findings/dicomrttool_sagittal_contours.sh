#!/bin/sh
# DicomRTTool finds a contour's slice by the patient's z alone, which is the same for all slices of a sagittal series
# (valid: contours lie in the planes of the images that they refer to, PS3.3 C.8.8.6): every contour is drawn in the
# first slice, and as overlaps count by turns as inside and outside, a structure on two slices cancels itself.
# Expected: a contour in the slice of its Contour Image Sequence. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check DicomRTTool==6.2.0 pydicom==3.0.2 SimpleITK==2.5.7 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log >&2; exit 1; }
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pydicom
from DicomRTTool import DicomReaderWriter
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage

ROOT = "1.2.826.0.1.3680043.8.498.1"
SLICES, SIZE = 6, 16
SQUARE = [(3.5, 3.5), (9.5, 3.5), (9.5, 9.5), (3.5, 9.5)]
STACKS = {
    "axial": (np.array([1, 0, 0]), np.array([0, 1, 0]), np.array([0, 0, 3])),
    "sagittal": (np.array([0, 1, 0]), np.array([0, 0, -1]), np.array([-3, 0, 0])),
}
"""Directions of a row and of a column, and the step to the next slice along their normal."""


def item(**values):
    """A data set of these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def of_study(uid, sop_class, modality):
    """The elements that all objects of the study have."""
    made = item(SOPClassUID=sop_class, SOPInstanceUID=f"{ROOT}.{uid}", Modality=modality)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.StudyInstanceUID, made.SeriesInstanceUID = f"{ROOT}.2", f"{ROOT}.3.{1 if modality == 'CT' else 2}"
    made.FrameOfReferenceUID, made.PatientID, made.PatientName = f"{ROOT}.4", "1", "A^B"
    made.StudyDate, made.StudyTime, made.SeriesNumber = "20200101", "120000", 1
    return made


def masks(name):
    """Voxels of each slice that the structures, by the slices they are drawn on, get."""
    row, column, step = STACKS[name]
    folder = Path(name)
    folder.mkdir()
    references = []
    for number in range(SLICES):
        image = of_study(f"1.{number}", CTImageStorage, "CT")
        image.InstanceNumber, image.PixelSpacing, image.SliceThickness = number + 1, [1, 1], 3
        image.ImageOrientationPatient, image.ImagePositionPatient = [*row, *column], list(number * step)
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
        image.Rows, image.Columns, image.BitsAllocated, image.BitsStored, image.HighBit = SIZE, SIZE, 16, 16, 15
        image.PixelData = bytes(2 * SIZE * SIZE)
        image.save_as(folder / f"{number}.dcm", enforce_file_format=True)
        references.append(item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=image.SOPInstanceUID))
    structures = of_study("5", RTStructureSetStorage, "RTSTRUCT")
    structures.StructureSetLabel = "A"
    series = item(SeriesInstanceUID=image.SeriesInstanceUID, ContourImageSequence=references)
    study = item(ReferencedSOPInstanceUID=image.StudyInstanceUID, RTReferencedSeriesSequence=[series])
    frame = item(FrameOfReferenceUID=image.FrameOfReferenceUID, RTReferencedStudySequence=[study])
    structures.ReferencedFrameOfReferenceSequence = [frame]
    drawn = {"one": [3], "two": [2, 3]}
    names, contours, observations = [], [], []
    for roi, (label, slices) in enumerate(drawn.items(), start=1):
        names.append(item(ROINumber=roi, ROIName=label, ReferencedFrameOfReferenceUID=image.FrameOfReferenceUID))
        observations.append(item(ObservationNumber=roi, ReferencedROINumber=roi, RTROIInterpretedType="ORGAN"))
        contours.append(item(ReferencedROINumber=roi, ContourSequence=[]))
        for number in slices:
            points = [number * step + x * row + y * column for x, y in SQUARE]
            contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(points))
            contour.ContourData = [float(each) for each in np.ravel(points)]
            contour.ContourImageSequence = [references[number]]
            contours[-1].ContourSequence.append(contour)
    structures.StructureSetROISequence, structures.ROIContourSequence = names, contours
    structures.RTROIObservationsSequence = observations
    structures.save_as(folder / "structures.dcm", enforce_file_format=True)
    tool = DicomReaderWriter()
    tool.walk_through_folders(name)
    found = {}
    for label in drawn:
        tool.set_contour_names_and_associations([label])
        tool.get_images_and_mask()
        found[label] = np.asarray(tool.mask).sum(axis=(1, 2)).tolist()
    return found


print(f"DicomRTTool {version('DicomRTTool')}, pydicom {pydicom.__version__}, a square on slice 3 and one on 2 and 3")
axial, sagittal = masks("axial"), masks("sagittal")
print(f"voxels of each slice, axial series: {axial}")
print(f"sagittal series: {sagittal}")
area = axial["one"][3]
right = axial["one"] == [0, 0, 0, area, 0, 0] and axial["two"] == [0, 0, area, area, 0, 0] and area > 0
sys.exit(0 if right and sagittal["one"] == [area, 0, 0, 0, 0, 0] and sagittal["two"] == [0] * SLICES else 1)
PYTHON
