#!/bin/sh
# dcmrtstruct2nii 5 writes each structure's mask under its name without signs other than letters, digits, hyphens and
# underscores, so that "Lung <20Gy" and "Lung >20Gy" are both mask_Lung-20Gy, and "PTV" and "PTV+" both mask_PTV: the
# later one replaces the earlier one without a word, under a name that fits either. ROI Name may hold such signs, and
# need not be unique, as ROI Number is (PS3.3 C.8.8.5). Expected: four files, or an error. No report found. Ends with 1
# when that changes.
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


def write_structures(names):
    """A structure set with a square on one slice for each name; the squares grow from structure to structure."""
    dataset = item(SOPInstanceUID=f"{ROOT}.5", Modality="RTSTRUCT", StudyInstanceUID=f"{ROOT}.2")
    dataset.SeriesInstanceUID, dataset.StructureSetLabel = f"{ROOT}.6", "LUNG"
    rois, contours = [], []
    for number, name in enumerate(names, start=1):
        rois.append(item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=f"{ROOT}.4"))
        end = 2 + 2 * number
        contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4)
        contour.ContourData = [2, 2, 3, end, 2, 3, end, end, 3, 2, end, 3]
        contours.append(item(ReferencedROINumber=number, ContourSequence=[contour]))
    dataset.StructureSetROISequence, dataset.ROIContourSequence = rois, contours
    save(dataset, "structures.dcm", RTStructureSetStorage)


names = ["Lung <20Gy", "Lung >20Gy", "PTV", "PTV+"]
write_ct()
write_structures(names)
dcmrtstruct2nii("structures.dcm", "ct", "masks", convert_original_dicom=False)
print(f"dcmrtstruct2nii {version('dcmrtstruct2nii')}, pydicom {version('pydicom')}, numpy {np.__version__}")
print("structures, the first the smallest:", names)
masks = {path.name: int((sitk.GetArrayFromImage(sitk.ReadImage(path)) > 0).sum()) for path in Path("masks").iterdir()}
print("files and their voxels:", masks)
sys.exit(0 if sorted(masks) == ["mask_Lung-20Gy.nii.gz", "mask_PTV.nii.gz"] else 1)
PYTHON
