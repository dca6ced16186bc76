#!/bin/sh
# nibabel 5.4.2 takes each length in a NIfTI for millimetres, whatever unit its header names: a mask of 1000 voxels of
# 50 microns (micro-CT) is 125000000 "mm3" large in imagestats.mask_volume, whose docstring promises mm3, and 0.125 in
# SimpleITK, which turns microns into mm. The affine counts microns, too, so that a copy made the usual way, from array
# and affine, has voxels of 50 mm in SimpleITK, as the unit stays behind. Pull request 567 (open) speaks of the zooms.
# Expected: 0.125 mm3. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import nibabel as nib
import numpy as np
import SimpleITK as sitk

mask = np.zeros((20, 20, 20), dtype=np.uint8)
mask[5:15, 5:15, 5:15] = 1
image = nib.Nifti1Image(mask, np.diag([50.0, 50.0, 50.0, 1.0]))
image.header.set_xyzt_units("micron")
nib.save(image, "mask.nii")
read = nib.load("mask.nii")
nib.save(nib.Nifti1Image(np.asarray(read.dataobj), read.affine), "copy.nii")
print(f"nibabel {nib.__version__}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
found = []
for name in ("mask.nii", "copy.nii"):
    unit = nib.load(name).header.get_xyzt_units()[0]
    shape, labels = sitk.LabelShapeStatisticsImageFilter(), sitk.ReadImage(name)
    shape.Execute(labels)
    found.append([float(nib.imagestats.mask_volume(nib.load(name))), round(shape.GetPhysicalSize(1), 3)])
    spacing = [round(length, 3) for length in labels.GetSpacing()]
    print(f"{name} ({unit}): nibabel {found[-1][0]:.0f} mm3, SimpleITK {found[-1][1]} mm3, spacing {spacing} mm")
sys.exit(0 if found == [[125e6, 0.125], [125e6, 125e6]] else 1)
PYTHON
