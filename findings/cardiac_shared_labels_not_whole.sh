#!/bin/sh
# cardiac-shared 1.1.0's save_nifti makes labels of other numbers of those that its load_nifti read: it hands nibabel
# 32-bit floats with the header of the file, which says uint8, and nibabel then stores them scaled (scl_slope). A mask
# of 0 and 1 comes back as 0 and 1.00000006, so that volume == 1 finds no voxel. Of the labels 0, 1, 2 and 117
# (TotalSegmentator's last), 1 and 2 come back as 0.92 and 1.84: cut to whole numbers they are 0 and 1. A CT of 16 bits
# gets 0.006 HU for 0. Nothing warns; affine and header are those that load_nifti returned. Expected: the numbers that
# were read, as nibabel.save writes them. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cardiac-shared==1.1.0 nibabel==5.4.2 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
from cardiac_shared.io import load_nifti, save_nifti

print(f"cardiac-shared {version('cardiac-shared')}, nibabel {nib.__version__}, numpy {np.__version__}")
found = []
for kind, numbers in ((np.uint8, [0, 1]), (np.uint8, [0, 1, 2, 117]), (np.int16, [-1000, 0, 40, 400])):
    stored = np.resize(np.array(numbers, dtype=kind), (4, 4, 4))
    nib.save(nib.Nifti1Image(stored, np.eye(4)), "read.nii.gz")
    volume, metadata = load_nifti("read.nii.gz")
    save_nifti(volume, "written.nii.gz", affine=metadata["affine"], header=metadata["header"])
    again, _ = load_nifti("written.nii.gz")
    whole = [int(np.count_nonzero(again == number)) for number in numbers]
    found.append((whole, np.unique(again.astype(int)).tolist()))
    print(f"{np.dtype(kind)} {numbers}: read again as {np.unique(again)}, voxels of each number {whole}")
    print(f"   cut to whole numbers: {found[-1][1]}")
sys.exit(0 if found[0] == ([32, 0], [0, 1]) and found[1] == ([16, 0, 0, 0], [0, 1, 117]) else 1)
PYTHON
