#!/bin/sh
# ct-mri-dicom-nii-reader 0.1.6 interpolates label images between the labels' numbers: its BodyDataLoaderManager
# resamples each NIfTI to cubes of 1 mm linearly, those too that it takes for a "mask" (the README: "segmentation
# labels"). Beside 1 and 3, an image of two organs in slices of 2.5 mm has 0.3, 0.9 and 2.1 then, and at 0.7 x 0.7 x
# 2.5 mm also 1.2 and 1.7; rounded, 9 and 17 percent of the labelled voxels have the number 2, an organ that the image
# lacks. Only images of 0 and 1 are made whole numbers again. load_file has no option for it, while the function below,
# load_nifti_lps, has interpolation="nearest" ("for discrete values such as segmentation labels"). Expected: that. Ends
# with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ct-mri-dicom-nii-reader==0.1.6 pydicom==3.0.2 \
    SimpleITK==2.5.7 numpy==2.2.6 pillow==12.0.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from ct_mri_dicom_nii_reader import BodyDataLoaderManager

print(f"ct-mri-dicom-nii-reader {version('ct-mri-dicom-nii-reader')}, SimpleITK {sitk.__version__}")
labels = np.zeros((8, 16, 16), dtype=np.uint8)
labels[2:6, 4:12, 4:8] = 1
labels[2:6, 4:12, 8:12] = 3
found = {}
for spacing in ((1, 1, 2.5), (0.7, 0.7, 2.5)):
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, "labels.nii.gz")
    read = BodyDataLoaderManager().load_file("labels.nii.gz")
    values = read.to_numpy()
    twos = np.count_nonzero(np.rint(values) == 2) / np.count_nonzero(values >= 0.5)
    found[spacing] = read.get_type(), len(np.unique(values.round(3))), round(100 * twos)
    print(f"{spacing} mm, labels 0, 1, 3: type {read.get_type()}, {found[spacing][1]} values, rounded 2: {twos:.1%}")
    print("  ", *np.unique(values.round(1)))
sys.exit(0 if all(kind == "mask" and number > 3 and twos > 2 for kind, number, twos in found.values()) else 1)
PYTHON
