#!/bin/sh
# DicomRTTool's prediction_array_to_RT leaves out structures without a voxel, and with them their names but not their
# types: each type moves on to the next structure. With three structures of which the first is empty, as is usual where
# an organ lies outside the scan, the target gets the type AVOIDANCE and the spinal cord the type PTV.
# Expected: types as given (RT ROI Interpreted Type, PS3.3 C.8.8.8). Ends with 1 when that is no longer so.
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
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"
SLICES, SIZE = 4, 16
Path("ct").mkdir()
for number in range(SLICES):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, f"{ROOT}.1.{number}", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "1", "A^B", "", "O"
    image.StudyDate, image.StudyTime, image.StudyID, image.AccessionNumber = "20200101", "120000", "1", ""
    image.SeriesNumber, image.InstanceNumber, image.PixelSpacing = 1, number + 1, [1, 1]
    image.SliceThickness, image.ImageOrientationPatient = 3, [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [0, 0, 3 * number]
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.Rows, image.Columns, image.BitsAllocated, image.BitsStored, image.HighBit = SIZE, SIZE, 16, 16, 15
    image.PixelData = bytes(2 * SIZE * SIZE)
    image.save_as(f"ct/{number}.dcm", enforce_file_format=True)


def written(with_trachea):
    """Name and type of each structure in the RT Structure Set that is written."""
    masks = np.zeros((SLICES, SIZE, SIZE, 4))
    masks[0, 2:5, 2:5, 1] = with_trachea
    masks[1, 5:9, 5:9, 2] = 1
    masks[2, 5:9, 5:9, 3] = 1
    tool = DicomReaderWriter()
    tool.walk_through_folders("ct")
    tool.get_images()
    names, types = ["Trachea", "Target", "Cord"], ["AVOIDANCE", "PTV", "ORGAN"]
    tool.prediction_array_to_RT(masks, f"out{with_trachea}", names, types)
    (path,) = Path(f"out{with_trachea}").glob("*.dcm")
    made = pydicom.dcmread(path)
    kinds = {each.ReferencedROINumber: each.RTROIInterpretedType for each in made.RTROIObservationsSequence}
    return {each.ROIName: kinds[each.ROINumber] for each in made.StructureSetROISequence}


print(f"DicomRTTool {version('DicomRTTool')}, pydicom {pydicom.__version__}")
full, empty = written(1), written(0)
print(f"all three structures drawn: {full}")
print(f"the trachea empty: {empty}")
right = full == {"Trachea": "AVOIDANCE", "Target": "PTV", "Cord": "ORGAN"}
sys.exit(0 if right and empty == {"Target": "AVOIDANCE", "Cord": "PTV"} else 1)
PYTHON
