#!/bin/sh
# dcmqi's itkimage2segimage chooses 8 or 16 bits for a label map by how many segments it has, not by their numbers: two
# segments of the numbers 1 and 256 are refused as "input segmentation is empty". Segment Numbers go to 65535 and may
# have gaps in a label map (PS3.3 C.8.20.2.4; --help says so of --useLabelIDAsSegmentNumber); 1 and 255 work.
# Expected: a label map of 16 bits. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dcmqi==1.5.7 pydicom==3.0.2 SimpleITK==2.5.7 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"
Path("ct").mkdir()
for number in range(3):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, f"{ROOT}.1.{number}", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "1", "A^B", "", "O"
    image.StudyDate, image.StudyTime, image.StudyID, image.AccessionNumber = "20200101", "120000", "1", ""
    image.ReferringPhysicianName = image.PositionReferenceIndicator = image.Manufacturer = ""
    image.SeriesNumber, image.InstanceNumber, image.PixelSpacing = 1, number + 1, [1, 1]
    image.SliceThickness, image.ImageOrientationPatient = 3, [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [0, 0, 3 * number]
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.Rows, image.Columns, image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 16, 16, 15
    image.PixelData = bytes(128)
    image.save_as(f"ct/{number}.dcm", enforce_file_format=True)


def code(value, meaning):
    """A code of SNOMED CT as dcmqi's JSON has it."""
    return {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}


def outcome(top):
    """What becomes of a label image with the labels 1 and `top`."""
    labels = np.zeros((3, 8, 8), np.uint16)
    labels[1, 1:4, 1:4], labels[1, 5:7, 5:7] = 1, top
    picture = sitk.GetImageFromArray(labels)
    picture.SetSpacing((1, 1, 3))
    sitk.WriteImage(picture, "labels.nrrd")
    segments = [
        {
            "labelID": label, "SegmentLabel": str(label), "SegmentDescription": "x", "SegmentAlgorithmType": "MANUAL",
            "SegmentedPropertyCategoryCodeSequence": code("123037004", "Anatomical Structure"),
            "SegmentedPropertyTypeCodeSequence": code("39607008", "Lung"),
        }
        for label in (1, top)
    ]
    meta = {"ContentCreatorName": "A", "SeriesNumber": "2", "InstanceNumber": "1", "segmentAttributes": [segments]}
    Path("meta.json").write_text(json.dumps(meta))
    command = ["venv/bin/itkimage2segimage", "--inputImageList", "labels.nrrd", "--inputDICOMDirectory", "ct"]
    command += ["--outputDICOM", "seg.dcm", "--inputMetadata", "meta.json", "--segmentationType", "labelmap"]
    done = subprocess.run([*command, "--useLabelIDAsSegmentNumber"], capture_output=True, text=True)
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        return next(line for line in lines if "ERROR" in line)
    made = pydicom.dcmread("seg.dcm")
    numbers = [each.SegmentNumber for each in made.SegmentSequence if each.SegmentNumber]
    return f"{made.BitsAllocated} bits, segments {numbers}"


print(f"dcmqi {version('dcmqi')}")
outcomes = {top: outcome(top) for top in (255, 256)}
for top, text in outcomes.items():
    print(f"labels 1 and {top}: {text}")
right = outcomes[255] == "8 bits, segments [1, 255]" and "segmentation is empty" in outcomes[256]
sys.exit(0 if right else 1)
PYTHON
