#!/bin/sh
# mircat-stats 1.0.0 puts a label where no slice is: it resamples scan and masks to 1 mm and gives voxels beyond the
# last slice the number of SimpleITK's pixel type, sitkUInt8 = 1, in place of a value
# (SetDefaultPixelValue(GetPixelIDValue())). Of a mask of 10 slices of 5 mm, 12 x 12 mm each, the last 2 of 50 slices
# are label 1, the spleen: the statistics have a spleen of 0.3 cm3 with 2 HU (sitkInt16 = 2) in a scan without one,
# beside the lung's lobe (11) with its 0.8 cm3. Nothing warns. Expected: 0 there, and no spleen. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.3.1 scipy==1.13.1 scikit-image==0.24.0 \
    pandas==2.2.3 pydicom==2.4.4 loguru==0.7.3 threadpoolctl==3.6.0 tqdm==4.67.1 numpy==1.26.4
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps mircat-stats==1.0.0
mkdir "$folder/scan_segs"
cd "$folder"
venv/bin/python -W ignore - 2>log <<'PYTHON'
import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import numpy as np
import SimpleITK as sitk

OTHER = "kimimaro xgboost dicom2nifti dicom2nifti.settings dicom2nifti.convert_dir dicom2nifti.exceptions"
sys.modules |= {name: MagicMock() for name in OTHER.split()}  # large, for the aorta, contrast medium and DICOM only
from mircat_stats.statistics.nifti import MircatNifti
from mircat_stats.statistics.total import calculate_total_segmentation_stats

print(f"mircat-stats {version('mircat-stats')}, SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
labels = np.zeros((10, 12, 12), dtype=np.uint8)
labels[2:6, 3:7, 2:12] = 11
scan = np.where(labels, -900, -1000).astype(np.int16)
for array, path in ((scan, "scan.nii.gz"), (labels, "scan_segs/scan_total.nii.gz")):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1, 1, 5))
    sitk.WriteImage(image, path)
nifti = MircatNifti("scan.nii.gz")
nifti.setup(["total"], gaussian=False)
mask, values = (sitk.GetArrayFromImage(image) for image in (nifti.total_seg, nifti.original_ct))
volumes = {int(label): int(np.count_nonzero(mask == label)) for label in np.unique(mask) if label}
spleen = [int(index) for index in np.unique(np.argwhere(mask == 1)[:, 0])]
stats, *_ = calculate_total_segmentation_stats(nifti)
print(f"10 slices of 5 mm, label 11 of 800 mm3; now {mask.shape[0]} slices of 1 mm, labels in mm3: {volumes}")
print(f"label 1 in slices {spleen}, HU there {np.unique(values[spleen]).tolist()}")
print({name: value for name, value in stats.items() if "volume" in name})
sys.exit(0 if volumes == {1: 288, 11: 800} and spleen == [48, 49] and set(values[spleen].ravel()) == {2} else 1)
PYTHON
