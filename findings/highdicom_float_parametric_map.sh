#!/bin/sh
# highdicom writes a Parametric Map of floating point pixels whose Real World Value Mapping is not 1 and 0 (valid:
# PS3.3 A.75 and C.7.6.16.2.11 have both), but get_volume of the same object raises AttributeError:
# _CombinedPixelTransform has no input_dtype. Read with lazy_frame_retrieval=True, the same file gives the right values.
# Expected: slope x pixel + intercept either way. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check highdicom==0.28.2 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import highdicom
import numpy as np
import pydicom
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.1"
SLOPE, INTERCEPT = 2.0, -10.0


def ct_slice(number):
    """A CT slice of 4 x 4 pixels, as far as highdicom wants it as a source."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = CTImageStorage, f"{ROOT}.1.{number}", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "1", "A^B", "", "O"
    image.StudyDate, image.StudyTime, image.StudyID, image.AccessionNumber = "20200101", "120000", "1", ""
    image.ReferringPhysicianName = image.PositionReferenceIndicator = ""
    image.InstanceNumber, image.Rows, image.Columns, image.PixelSpacing = number, 4, 4, [1, 1]
    image.SliceThickness, image.ImageOrientationPatient = 3, [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [0, 0, 3 * number]
    return image


def outcome(image):
    """The values of the volume, or the error."""
    try:
        return image.get_volume(apply_real_world_transform=True).array[:, 0, 0].tolist()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


pixels = np.zeros((3, 4, 4), np.float32)
pixels[:, 0, 0] = [1, 2, 3]
unit = codes.UCUM.HounsfieldUnit
mapping = RealWorldValueMapping("1", "values", unit, value_range=(0.0, 3.0), slope=SLOPE, intercept=INTERCEPT)
made = ParametricMap(
    [ct_slice(number) for number in range(3)], pixels, f"{ROOT}.5", 2, f"{ROOT}.6", 1, "maker", "model", "1", "1",
    contains_recognizable_visual_features=False, real_world_value_mappings=[mapping],
    voi_lut_transformations=[highdicom.VOILUTTransformation(window_center=0, window_width=9)],
)
made.save_as(file := io.BytesIO())
stored = file.getvalue()
print(f"highdicom {highdicom.__version__}, pydicom {pydicom.__version__}, numpy {np.__version__}")
read = outcome(highdicom.imread(io.BytesIO(stored)))
lazy = outcome(highdicom.imread(io.BytesIO(stored), lazy_frame_retrieval=True))
print(f"expected values: {sorted((pixels[:, 0, 0] * SLOPE + INTERCEPT).tolist())}")
print(f"imread: {read}")
print(f"imread, lazy_frame_retrieval=True: {lazy}")
sys.exit(0 if str(read).startswith("AttributeError") and sorted(lazy) == [-8.0, -6.0, -4.0] else 1)
PYTHON
