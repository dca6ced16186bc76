#!/bin/sh
# SimpleITK 2.5.7's LabelIntensityStatisticsImageFilter reads a label's median from a histogram of 128 bins from the
# least to the greatest pixel of the whole image: one pixel of 30000 outside the lung makes bins of 241.8 wide, and the
# median of a lung of -900 HU becomes -829. The mean is exact; nothing warns. ITK's own filter has a bin for each 16-bit
# value since issue 2482, but SimpleITK sets 128. LabelStatisticsImageFilter, with 256 bins, gives -890. Expected: -900.
# More bins (SetNumberOfBins) or NumPy help. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk

lung = np.zeros((10, 10, 10), dtype=np.uint8)
lung[2:8, 2:8, 2:8] = 1
scan = np.full(lung.shape, -900, dtype=np.int16)
scan[2:8, 2:8, 2] = -950  # a sixth of the lung
scan[2:8, 2:8, 7] = -850  # a sixth
print(f"SimpleITK {sitk.Version.VersionString()}, numpy {np.__version__}")
found = []
for outside in (-900, 3000, 30000):
    scan[0, 0, 0] = outside
    images = sitk.GetImageFromArray(lung), sitk.GetImageFromArray(scan)
    intensities, labels = sitk.LabelIntensityStatisticsImageFilter(), sitk.LabelStatisticsImageFilter()
    intensities.Execute(*images)
    labels.Execute(*images[::-1])
    found.append((intensities.GetMedian(1), labels.GetMedian(1), intensities.GetMean(1), np.median(scan[lung == 1])))
    names = f"a pixel of {outside} outside: median {found[-1][0]:.1f} ({intensities.GetNumberOfBins()} bins)"
    print(f"{names}, {found[-1][1]:.1f} (LabelStatistics), {found[-1][3]:.0f} (NumPy); mean {found[-1][2]:.1f}")
medians, others, means, exact = zip(*found, strict=True)
right = set(exact) == {-900} and np.allclose(means, -900) and abs(medians[0] + 900) < 1
sys.exit(0 if right and round(medians[2]) == -829 and round(others[2]) == -890 else 1)
PYTHON
