#!/bin/sh
# pyCERR 2.5.1's loadDcmDir does not look where a DICOM Segmentation says that its frames lie: it takes rows and columns
# of a frame for those of the CT slice that the frame refers to. A segmentation of a part of the CT, 18 x 16 pixels from
# row 18 and column 16 on, lands 18 rows and 16 columns beside the lung. And of a FRACTIONAL segmentation, whose full
# pixels are its Maximum Fractional Value, 255 here, it keeps the pixels of the value 1: the structure is empty. Nothing
# warns. A segmentation may have a size and place of its own (PS3.3 A.51), as its Pixel Measures and each frame's Plane
# Position tell. Expected: the same voxels four times. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 highdicom==0.28.2 SimpleITK==2.5.7 \
    scikit-image==0.26.0 scikit-learn==1.7.2 pandas==2.3.3 h5py==3.16.0 nibabel==5.4.2 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pycerr==2.5.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import os
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO

import highdicom as hd
import numpy as np
import pydicom
from cerr.contour.rasterseg import getStrMask
from cerr.plan_container import loadDcmDir
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SIZE, SLICES = 40, 6


def scan():
    """A CT of 6 slices of 40 x 40 pixels of 1 mm, 2 mm apart."""
    study, series, frame = (generate_uid() for _ in range(3))
    images = []
    for number in range(SLICES):
        ct = pydicom.Dataset()
        ct.file_meta = pydicom.dataset.FileMetaDataset()
        ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
        ct.PatientName, ct.PatientID, ct.Manufacturer, ct.SeriesNumber = "Phantom^", "1", "none", 1
        for name in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "ReferringPhysicianName"):
            setattr(ct, name, "")
        ct.StudyDate, ct.StudyTime, ct.PositionReferenceIndicator = "20260101", "100000", ""
        ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness, ct.InstanceNumber = SIZE, SIZE, [1, 1], 2, number + 1
        ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * number]
        ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
        ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
        ct.PixelData = np.zeros((SIZE, SIZE), dtype="<i2").tobytes()
        ct["PixelData"].VR = "OW"
        images.append(ct)
    return images


def segmentation(images, mask, row, column, kind):
    """The mask as a DICOM Segmentation whose first pixel lies at this row and column of the CT."""
    lung = hd.seg.SegmentDescription(1, "lung", codes.SCT.Tissue, codes.SCT.Lung, "MANUAL")
    places = [hd.PlanePositionSequence("PATIENT", [column, row, 2 * number]) for number in range(SLICES)]
    return hd.seg.Segmentation(
        images, mask.astype(np.uint8 if kind == "BINARY" else float), kind, [lung], generate_uid(), 2, generate_uid(),
        1, "none", "none", "1", "1", plane_positions=places, pixel_measures=hd.PixelMeasuresSequence([1, 1], 2),
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", [1, 0, 0, 0, 1, 0]),
    )


lung = np.zeros((SLICES, SIZE, SIZE), dtype=bool)
lung[2:4, 25:33, 20:26] = True
print(f"pycerr {version('pycerr')}, highdicom {version('highdicom')}, pydicom {version('pydicom')}")
print("the lung: 96 voxels, rows 25 to 32, columns 20 to 25")
found = {}
for name, mask, row, column in (("whole slices", lung, 0, 0), ("a part", lung[:, 18:36, 16:32], 18, 16)):
    for kind in ("BINARY", "FRACTIONAL"):
        case = f"{name}, {kind}"
        os.mkdir(case)
        images = scan()
        for number, image in enumerate(images):
            image.save_as(f"{case}/{number}.dcm", enforce_file_format=True)
        segmentation(images, mask, row, column, kind).save_as(f"{case}/segmentation.dcm")
        with redirect_stdout(StringIO()):
            read = loadDcmDir(case)
        voxels = np.argwhere(getStrMask(0, read))
        found[case] = [len(voxels), *voxels.min(axis=0)[:2].tolist()] if len(voxels) else [0]
        where = f", rows from {found[case][1]}, columns from {found[case][2]} on" if len(voxels) else ""
        print(f"{case}: {read.structure[0].structureName}, {len(voxels)} voxels{where}")
sys.exit(0 if list(found.values()) == [[96, 25, 20], [0], [96, 7, 4], [0]] else 1)
PYTHON
