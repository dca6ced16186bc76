#!/bin/sh
# itkit 4.0.0 forgets an image's direction right after it has set it. itk_patch brings each scan to LPI, where the
# slices run to the feet, and places its patches as if they ran to the head: of 12 slices of 5 mm in patches of 4, the
# second and third rows lie 40 and 80 mm too high, the top one 25 mm above the scan's top. itk_aug turns about a point
# that it finds the same way, so of a cube of 8000 voxels in the middle of such a scan 840 are left after 45 degrees
# about x, where a scan whose slices run to the head keeps 7840. Image and label are moved alike and nothing warns.
# Expected: TransformIndexToPhysicalPoint. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6 pydantic==2.12.5 \
    tqdm==4.67.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps itkit==4.0.0
mkdir -p "$folder/scans/image" "$folder/scans/label"
cd "$folder"
venv/bin/python - <<'PYTHON'
import random
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from itkit.process.itk_aug import AugProcessor
from itkit.process.itk_patch import PatchProcessor

print(f"itkit {version('itkit')}, SimpleITK {sitk.__version__}")
scan = sitk.GetImageFromArray(np.arange(12 * 4 * 4, dtype=np.int16).reshape(12, 4, 4))
scan.SetOrigin((-100, -100, -300))
scan.SetSpacing((1, 1, 5))
sitk.WriteImage(scan, "scans/image/a.mha")
sitk.WriteImage(sitk.Cast(scan >= 0, sitk.sitkUInt8), "scans/label/a.mha")
PatchProcessor("scans", "patches", 4, 4, 0.0, 1.0, False).process()
found = []
for number in range(3):
    patch = sitk.ReadImage(f"patches/image/a_p{number}.mha")
    first = int(patch[0, 0, 0]) // 16  # the slice of the scan that the patch begins with
    right = scan.TransformIndexToPhysicalPoint((0, 0, first))[2]
    found.append((patch.GetOrigin()[2], right))
    print(f"patch {number}, which begins with slice {first}: z {found[-1][0]} mm, expected {right} mm")

random.uniform = lambda low, high: high  # the largest angle of the range
processor = AugProcessor("scans/image", "scans/label", None, None, 1, [0, 0, 45])
left = []
for slices_run in (1, -1):
    label = np.zeros((40, 40, 40), dtype=np.uint8)
    label[10:30, 10:30, 10:30] = 1
    image = sitk.GetImageFromArray(label)
    image.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, slices_run))
    turned = processor.random_3d_rotate(sitk.Cast(image, sitk.sitkInt16), image, [0, 0, 45])[1]
    left.append(int(sitk.GetArrayFromImage(turned).sum()))
    print(f"slices that run {'to the head' if slices_run > 0 else 'to the feet'}: {left[-1]} of {label.sum()} voxels")
sys.exit(0 if found == [(-245, -245), (-225, -265), (-205, -285)] and left == [7840, 840] else 1)
PYTHON
