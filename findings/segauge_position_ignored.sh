#!/bin/sh
# segauge 0.1.0 gives a prediction that lies elsewhere in the scan a Dice of 1 and a Hausdorff distance of 0 mm: it
# reads a DICOM Segmentation as the slices that the file has, and compares the arrays without their positions.
# highdicom 0.28.2 leaves slices without a segment out of the file unless told otherwise, so that a lung of 3 slices,
# found 8 slices (40 mm) too high, is the truth itself; with the empty slices in the file it has a Dice of 0. Nothing
# warns ("DICOM-native", "geometrically-correct"). Expected: a Dice of 0 and 40 mm, or an error. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check segauge==0.1.0 highdicom==0.28.2 pydicom==3.0.2 \
    trimesh==5.2.0 scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import highdicom as hd
import numpy as np
import pydicom
import segauge
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

NAMES = "PatientID PatientName PatientBirthDate PatientSex StudyDate StudyTime StudyID AccessionNumber".split()
study, series, frame = (generate_uid() for _ in range(3))
scan = []
for number in range(12):
    ct = pydicom.Dataset()
    ct.file_meta = pydicom.dataset.FileMetaDataset()
    ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name in (*NAMES, "ReferringPhysicianName"):
        setattr(ct, name, "")
    ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
    ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness = 16, 16, [1, 1], 5
    ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 5 * number]
    scan.append(ct)
lung = hd.seg.SegmentDescription(
    1, "Lung", codes.SCT.Organ, codes.SCT.Lung, hd.seg.SegmentAlgorithmTypeValues.MANUAL
)


def write(mask, path, omit):
    uids = generate_uid(), 1, generate_uid(), 1
    kind = hd.seg.SegmentationTypeValues.BINARY
    hd.seg.Segmentation(scan, mask, kind, [lung], *uids, "a", "b", "1", "2", omit_empty_frames=omit).save_as(path)


truth = np.zeros((12, 16, 16), dtype=np.uint8)
truth[1:4, 4:12, 4:12] = 1
print(f"segauge {segauge.__version__}, highdicom {version('highdicom')}, numpy {np.__version__}")
found = []
for omit in (True, False):
    write(truth, "truth.dcm", omit)
    write(np.roll(truth, 8, axis=0), "found.dcm", omit)
    (row,) = segauge.evaluate([segauge.Case("a", pred="found.dcm", gt="truth.dcm")]).rows
    found.append((row["dice"], round(row["hd"])))
    print(f"omit_empty_frames={omit}: 40 mm too high: Dice {row['dice']}, Hausdorff distance {row['hd']:.0f} mm")
sys.exit(0 if found == [(1, 0), (0, 40)] else 1)
PYTHON
