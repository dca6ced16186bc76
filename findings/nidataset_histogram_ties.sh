#!/bin/sh
# nidataset 0.9.1's intensity_normalization(method="histogram") gives voxels of the same value different ones: it sorts
# all voxels, gives them the reference's sorted values one by one, and leaves it to the sorting where equal ones go. Of
# a CT whose half is air of -1000 HU, matched to one with a quarter of air, half of the air becomes 50 HU, and which
# half depends on the order of voxels in the file: the first slices of air stay, the later ones are tissue. A lung mask
# by threshold has half its volume. Histogram matching maps grey values (Gonzalez and Woods, Digital Image Processing,
# 3.3.2); scikit-image's match_histograms gives all air one value. Nothing warns. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 scipy==1.15.3 \
    scikit-image==0.26.0 pandas==2.3.3 tqdm==4.70.1 pillow==13.0.0 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps nidataset==0.9.1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON'
import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import nibabel as nib
import numpy as np

sys.modules["cv2"] = MagicMock()  # OpenCV: large, for its drawings only
from nidataset.transforms import intensity_normalization
from skimage.exposure import match_histograms

print(f"nidataset {version('nidataset')}, nibabel {nib.__version__}, numpy {np.__version__}")
scan = np.full((8, 8, 8), 40, dtype=np.int16)
scan[:, :, :4] = -1000
reference = np.full((8, 8, 8), 50, dtype=np.int16)
reference[:, :, :2] = -1000
for name, array in (("scan", scan), ("reference", reference)):
    nib.save(nib.Nifti1Image(array, np.eye(4)), f"{name}.nii.gz")
path = intensity_normalization("scan.nii.gz", "out", method="histogram", reference_path="reference.nii.gz")
results = {"nidataset": nib.load(path).get_fdata(), "scikit-image": match_histograms(scan, reference)}
found = {}
for name, matched in results.items():
    values, counts = np.unique(matched[scan == -1000].round(), return_counts=True)
    found[name] = dict(zip(values.tolist(), counts.tolist(), strict=True))
    print(f"{name}: 256 voxels of -1000 HU become {found[name]} (value: voxels)")
sys.exit(0 if found["nidataset"] == {-1000: 128, 50: 128} and len(found["scikit-image"]) == 1 else 1)
PYTHON
