#!/bin/sh
# metaimageio 1.3.2 writes 64-bit integers, as numpy's argmax gives them for a label map, as MET_LONG, which the
# format's own library (in ITK and 3D Slicer) reads as 32 bits: each label is followed by a 0 and the second half of the
# voxels is gone, with no error and no warning. For 64 bits the library has MET_LONG_LONG, which SimpleITK writes and
# metaimageio refuses. Expected: a file that gives the same labels, or an error. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check metaimageio==1.3.2 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import metaimageio
import numpy as np
import SimpleITK as sitk

print(f"metaimageio {version('metaimageio')}, SimpleITK {sitk.__version__}, numpy {np.__version__}")
labels = np.zeros((2, 2, 4), dtype=np.int64)
labels[0, :, 1:3], labels[1, :, 1:3] = 1, 2  # four voxels of each lung
print("written:", labels.ravel().tolist())
found = []
for kind in (np.int32, np.int64):
    metaimageio.write("lungs.mha", labels.astype(kind), ElementSpacing=(1, 1, 1))
    read = sitk.ReadImage("lungs.mha")
    found.append(sitk.GetArrayFromImage(read).ravel().tolist())
    print(f"{np.dtype(kind).name} is read by SimpleITK as {read.GetPixelIDTypeAsString()}: {found[-1]}")
sitk.WriteImage(sitk.GetImageFromArray(labels), "itk.mha")
with open("itk.mha", "rb") as file:
    print("SimpleITK writes int64 as", next(line.decode().strip() for line in file if b"ElementType" in line))
try:
    metaimageio.read("itk.mha")
except ValueError as error:
    print(f"metaimageio: ValueError: {error}")
spoiled = np.stack([labels.ravel()[:8], np.zeros(8, dtype=int)], axis=1).ravel().tolist()
sys.exit(0 if found == [labels.ravel().tolist(), spoiled] else 1)
PYTHON
