#!/bin/sh
# spydcmtk 1.2.29's DICOM-SEG (array_to_DcmSeg, vti_to_dcm_seg) codes each segment as a kidney: the segments "Left
# lung" and "Right lung" have the type "Kidney" (SNOMED CT 64033007) of the category "Tissue", and an automatic
# algorithm made them. Only names can be given, the codes can't; neither text nor message says so. A viewer or an
# archive that goes by the codes, as the standard has it, shows and finds kidneys. Expected: a code that says no more
# than is known, or one that the caller gives. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 vtk==9.6.2 matplotlib==3.10.8 \
    scipy==1.15.3 numpy==2.2.6 tqdm==4.67.1 highdicom==0.25.0
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps spydcmtk==1.2.29 ngawari==0.1.21
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from spydcmtk.dcmVTKTK import array_to_DcmSeg

print(f"spydcmtk {version('spydcmtk')}, highdicom {version('highdicom')}, pydicom {pydicom.__version__}")
study, series, frame = (generate_uid() for _ in range(3))
scan = []
for number in range(4):
    ct = pydicom.Dataset()
    ct.file_meta = pydicom.dataset.FileMetaDataset()
    ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
    ct.PatientName, ct.PatientID, ct.PatientBirthDate, ct.PatientSex, ct.ReferringPhysicianName = "A", "1", "", "", ""
    ct.StudyDate, ct.StudyTime, ct.StudyID, ct.AccessionNumber, ct.SeriesNumber = "20260101", "120000", "1", "", 1
    ct.Manufacturer, ct.PositionReferenceIndicator, ct.InstanceNumber, ct.SliceThickness = "", "", number + 1, 3
    ct.ImagePositionPatient, ct.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
    ct.Rows, ct.Columns, ct.PixelSpacing = 8, 8, [2, 2]
    ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
    ct.PixelData = np.full((8, 8), -900, dtype="<i2").tobytes()
    scan.append(ct)
labels = np.zeros((4, 8, 8), dtype=np.uint8)
labels[1:3, 2:6, 0:3], labels[1:3, 2:6, 5:8] = 2, 1
written = array_to_DcmSeg(labels, scan, segmentation_dictionary={1: "Left lung", 2: "Right lung"})
found = []
for segment in written.SegmentSequence:
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    category = segment.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning
    found.append((segment.SegmentLabel, kind.CodeMeaning))
    print(f"{segment.SegmentLabel}: {category}, {kind.CodeMeaning} ({kind.CodingSchemeDesignator} {kind.CodeValue})", end="")
    print(f", {segment.SegmentAlgorithmType}")
sys.exit(0 if found == [("Left lung", "Kidney"), ("Right lung", "Kidney")] else 1)
PYTHON
