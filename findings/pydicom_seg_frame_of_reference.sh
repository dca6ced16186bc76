#!/bin/sh
# pydicom-seg 0.4.1 gives each Segmentation that it writes a Frame of Reference of its own: it takes the CT's from the
# first source image and replaces it by a new UID. As both share the element, that image, in the caller's list, gets the
# new UID as well, and the CT's slices no longer belong together. The positions of the frames are the CT's, but those of
# two Frames of Reference have no relation (PS3.3 C.7.4.1), and viewers that go by it do not show the mask on its CT.
# Expected: the CT's UID everywhere. The first half is issue 48 of razorx89/pydicom-seg (2023, open). Ends with 1 when
# that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jsonschema==3.2.0 setuptools==65.5.0 \
    SimpleITK==2.5.7 pydicom==2.4.5 numpy==1.26.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pydicom-seg==0.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pydicom_seg
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

ROOT = "1.2.826.0.1.3680043.8.498.1"
FRAME = f"{ROOT}.4"


def code(value, meaning):
    """A code of SNOMED CT, as dcmqi's metadata has it."""
    return {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}


slices = []
for number in range(3):
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, f"{ROOT}.1.{number + 1}", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", FRAME
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 5 * number], [1, 0, 0, 0, 1, 0]
    slices.append(image)
lung = {"labelID": 1, "SegmentLabel": "lung", "SegmentAlgorithmType": "MANUAL"}
lung["SegmentedPropertyCategoryCodeSequence"] = code("123037004", "Anatomical Structure")
lung["SegmentedPropertyTypeCodeSequence"] = code("39607008", "Lung")
template = pydicom_seg.template.from_dcmqi_metainfo({"segmentAttributes": [[lung]]})
mask = sitk.GetImageFromArray(np.ones((3, 4, 4), dtype=np.uint8))
mask.SetSpacing((1, 1, 5))
written = pydicom_seg.MultiClassWriter(template).write(mask, slices)
print(f"pydicom-seg {version('pydicom-seg')}, pydicom {version('pydicom')}, numpy {np.__version__}")
positions = [group.PlanePositionSequence[0].ImagePositionPatient for group in written.PerFrameFunctionalGroupsSequence]
print("the Segmentation has the slices' positions:", positions == [image.ImagePositionPatient for image in slices])
kept = written.FrameOfReferenceUID == FRAME
print("it has the slices' Frame of Reference:", kept)
print("the slices given to the writer still have it:", [image.FrameOfReferenceUID == FRAME for image in slices])
sys.exit(0 if not kept and slices[0].FrameOfReferenceUID == written.FrameOfReferenceUID else 1)
PYTHON
