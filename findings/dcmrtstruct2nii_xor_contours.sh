#!/bin/sh
# dcmrtstruct2nii 5 writes an empty mask for a structure whose contours are of the type CLOSEDPLANAR_XOR, which PS3.3
# C.8.8.6.3 has for structures with holes: the contours are left out with a message of the level INFO, and the file is
# written all the same. The same contours as CLOSED_PLANAR make the right mask, combined by XOR. Expected: the same
# mask, or no file. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.25.2 SimpleITK==2.5.7 \
    pydicom==2.4.5 termcolor==3.3.0 numpy==1.26.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps dcmrtstruct2nii==5
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from dcmrtstruct2nii import dcmrtstruct2nii
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage

ROOT = "1.2.826.0.1.3680043.8.498.1"
SIZE = 20


def item(**values):
    """A dataset of these elements, for a file or a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def save(dataset, path, sop_class):
    """Write the dataset as a DICOM file of this class."""
    dataset.SOPClassUID = sop_class
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    dataset.save_as(path, write_like_original=False)


def write_ct():
    """Four slices of 20 x 20 pixels of 1 mm, 3 mm apart."""
    Path("ct").mkdir()
    for number in range(4):
        image = item(SOPInstanceUID=f"{ROOT}.1.{number + 1}", Modality="CT", InstanceNumber=number + 1)
        image.StudyInstanceUID, image.SeriesInstanceUID = f"{ROOT}.2", f"{ROOT}.3"
        image.FrameOfReferenceUID = f"{ROOT}.4"
        image.PixelSpacing, image.SliceThickness, image.ImageOrientationPatient = [1, 1], 3, [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [0, 0, 3 * number]
        image.Rows = image.Columns = SIZE
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 1
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.RescaleIntercept, image.RescaleSlope = 0, 1
        image.PixelData = np.zeros((SIZE, SIZE), "<i2").tobytes()
        save(image, Path("ct", f"{number}.dcm"), CTImageStorage)


def voxels(kind):
    """How many voxels a lung with a hole has whose contours are of this Contour Geometric Type."""
    contours = []
    for start, end in ((2, 15), (5, 8)):
        contour = item(ContourGeometricType=kind, NumberOfContourPoints=4)
        contour.ContourData = [start, start, 3, end, start, 3, end, end, 3, start, end, 3]
        contours.append(contour)
    dataset = item(SOPInstanceUID=f"{ROOT}.5", Modality="RTSTRUCT", StudyInstanceUID=f"{ROOT}.2")
    dataset.SeriesInstanceUID, dataset.StructureSetLabel = f"{ROOT}.6", "LUNG"
    dataset.StructureSetROISequence = [item(ROINumber=1, ROIName="lung", ReferencedFrameOfReferenceUID=f"{ROOT}.4")]
    dataset.ROIContourSequence = [item(ReferencedROINumber=1, ContourSequence=contours)]
    save(dataset, "structures.dcm", RTStructureSetStorage)
    dcmrtstruct2nii("structures.dcm", "ct", kind, convert_original_dicom=False)
    return int((sitk.GetArrayFromImage(sitk.ReadImage(Path(kind, "mask_lung.nii.gz"))) > 0).sum())


write_ct()
found = {kind: voxels(kind) for kind in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")}
print(f"dcmrtstruct2nii {version('dcmrtstruct2nii')}, pydicom {version('pydicom')}, numpy {np.__version__}")
print("voxels of a lung with a hole:", found)
sys.exit(0 if found["CLOSED_PLANAR"] > 0 == found["CLOSEDPLANAR_XOR"] else 1)
PYTHON
