#!/bin/sh
# med-imagetools 2.16.0's resample smooths nothing: its width for anti-aliasing is (old / new spacing - 1) / 2, which is
# negative whenever voxels become larger (new / old is meant), and is then set to 1e-11. A scan of -900 HU with each
# fourth column at -500, of mean -800, becomes -500 throughout in voxels of 4 mm, with anti_alias=True (the default) as
# with False; a width given by hand smooths. Its zoom divides by the scale factor: 2 makes a mask of 10 x 10 x 10 voxels
# 5 x 5 x 5 large and 0.5 makes it 19 x 19 x 19, as the resampler's transform goes from the output to the input. Nothing
# warns; no report found. Expected: about -800, and 20 and 5 voxels. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check med-imagetools==2.16.0 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from imgtools.transforms.functional import resample, zoom

print(f"med-imagetools {version('med-imagetools')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
scan = np.full((16, 16, 16), -900, dtype=np.float32)
scan[:, :, ::4] = -500
means = []
for name, options in (("True", {}), ("False", {"anti_alias": False}), ("True, sigma 1.5", {"anti_alias_sigma": 1.5})):
    coarse = sitk.GetArrayFromImage(resample(sitk.GetImageFromArray(scan), 4.0, **options))
    means.append(float(coarse.mean()))
    print(f"anti_alias={name}: from {scan.shape} to {coarse.shape}, mean {scan.mean():.0f} becomes {means[-1]:.1f}")
mask = np.zeros((20, 20, 20), dtype=np.uint8)
mask[5:15, 5:15, 5:15] = 1
sizes = []
for factor in (2.0, 0.5):
    zoomed = sitk.GetArrayFromImage(zoom(sitk.GetImageFromArray(mask), factor, interpolation="nearest"))
    sizes.append(np.ptp(np.argwhere(zoomed), axis=0) + 1)
    print(f"zoom by {factor}: {np.count_nonzero(mask)} voxels become {np.count_nonzero(zoomed)}, extent {sizes[-1]}")
aliased = means[0] == means[1] == -500 and means[2] < -700
sys.exit(0 if aliased and sizes[0].tolist() == [5, 5, 5] and sizes[1].tolist() == [19, 19, 19] else 1)
PYTHON
