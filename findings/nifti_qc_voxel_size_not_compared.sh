#!/bin/sh
# nifti-qc 0.1.0, which is there to catch a qform and an sform that disagree, compares only their origins and rotations:
# an sform with slices of 5 mm beside a qform with slices of 1 mm passes with "ok" and no finding, though nibabel reads
# the scan 50 mm and SimpleITK 10 mm long. Nor does it say anything of two scans of such sforms, 5 and 1 mm, whose last
# slices lie 36 mm apart: voxel sizes are taken from pixdim, which belongs to the qform. A tool that writes only the
# sform after it has changed the voxels leaves such a file, which is valid NIfTI. Its page: "catches that trap".
# Expected: qform_sform_mismatch and world_space_mismatch. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nifti-qc==0.1.0 nibabel==5.4.2 numpy==2.2.6 \
    SimpleITK==2.5.7
cd "$folder"
venv/bin/python - 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel
import numpy as np
import SimpleITK as sitk
from nifti_qc.core import scan

print(f"nifti-qc {version('nifti-qc')}, nibabel {nibabel.__version__}, SimpleITK {sitk.__version__}")
QFORM = np.diag([1.0, 1.0, 1.0, 1.0])
for name, sform in (("thick.nii", np.diag([1.0, 1.0, 5.0, 1.0])), ("thin.nii", QFORM)):
    image = nibabel.Nifti1Image(np.ones((10, 10, 10), dtype=np.int16), sform)
    image.set_sform(sform, code=1)
    image.set_qform(QFORM, code=1)
    nibabel.save(image, name)
thick = nibabel.load("thick.nii")
lengths = 10 * float(nibabel.affines.voxel_sizes(thick.affine)[2]), 10 * sitk.ReadImage("thick.nii").GetSpacing()[2]
print(f"thick.nii: {lengths[0]} mm long in nibabel, {lengths[1]} mm in SimpleITK")
report = scan(["thick.nii", "thin.nii"])
found = [finding.code for file in report.files for finding in file.findings], [f.code for f in report.alignment]
print(f"nifti-qc: ok {report.ok}, of the files {found[0]}, of the two together {found[1]}")
sys.exit(0 if report.ok and found == ([], []) and lengths == (50, 10) else 1)
PYTHON
