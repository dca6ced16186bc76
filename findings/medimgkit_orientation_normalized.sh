#!/bin/sh
# medimgkit 0.18.1's read_nifti with orientation_normalized=True does not bring left and right to one order: its
# docstring says that "the returned full volume is reoriented to a standard orientation (RAS)", but it turns the order
# of slices alone and leaves columns and rows as the file has them. The same scan stored as RAS and as LPS, which most
# CTs become, comes back rotated by 180 degrees: the right lung is where the left one is in the other. Expected: the
# same array, as nibabel's as_closest_canonical gives. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps medimgkit==0.18.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
from medimgkit.nifti_utils import read_nifti

print(f"medimgkit {version('medimgkit')}, nibabel {nib.__version__}, numpy {np.__version__}")
lungs = np.zeros((6, 4, 3), dtype=np.int16)  # x from left to right, y from back to front, z upwards
lungs[1, 1, :], lungs[4, 1, :] = 1, 2  # left and right lung
ras = nib.Nifti1Image(lungs, np.eye(4))
found = {}
for axes in ("RAS", "LAS", "LPS", "RAI"):
    turn = nib.orientations.ornt_transform(nib.io_orientation(ras.affine), nib.orientations.axcodes2ornt(axes))
    nib.save(ras.as_reoriented(turn), f"{axes}.nii")
    volume, image = read_nifti(f"{axes}.nii", orientation_normalized=True)
    same = np.array_equal(nib.as_closest_canonical(image).get_fdata(), lungs)
    found[axes] = [np.argwhere(volume[0, 0] == label)[0].tolist() for label in (1, 2)]
    left, right = found[axes]
    print(f"stored as {axes}: left lung in row, column {left}, right lung in {right}; nibabel, canonical: same {same}")
expected = {"RAS": [[1, 1], [1, 4]], "LAS": [[1, 4], [1, 1]], "LPS": [[2, 4], [2, 1]], "RAI": [[1, 1], [1, 4]]}
sys.exit(0 if found == expected else 1)
PYTHON
