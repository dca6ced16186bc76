#!/bin/sh
# pynrrd 1.1.3 drops each character beyond ASCII from an NRRD's header as it reads: of a segmentation whose segments
# have the names "左肺" and "右肺" (the left and the right lung), written in UTF-8 by SimpleITK, both names are empty, and
# "Lungenflügel" becomes "Lungenflgel". Nothing warns; written again, the file has lost its sides. SimpleITK reads the
# names back. It is so on purpose since issue 23, and NRRD's own text speaks of ASCII only. Expected: the names, or an
# error, as pynrrd raises one where it writes such names. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pynrrd==1.1.3 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
PYTHONIOENCODING=utf-8 venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nrrd
import SimpleITK as sitk

NAMES = {"Segment0_Name": "左肺", "Segment1_Name": "右肺", "Segment2_Name": "Lungenflügel", "Segment3_Name": "lung"}
labels = sitk.Image(4, 5, 6, sitk.sitkUInt8)
for key, name in NAMES.items():
    labels.SetMetaData(key, name)
sitk.WriteImage(labels, "labels.seg.nrrd")
print(f"pynrrd {version('pynrrd')}, SimpleITK {sitk.__version__}")
read = sitk.ReadImage("labels.seg.nrrd")
voxels, header = nrrd.read("labels.seg.nrrd")
found = {key: (read.GetMetaData(key), header[key]) for key in NAMES}
for key, (by_simpleitk, by_pynrrd) in found.items():
    print(f"{key}: SimpleITK {by_simpleitk!r}, pynrrd {by_pynrrd!r}")
try:
    nrrd.write("again.nrrd", voxels, {"Segment0_Name": "左肺"})
    refused = False
except UnicodeError as error:
    refused = True
    print(f"pynrrd, writing: {type(error).__name__}: {error}")
nrrd.write("again.nrrd", voxels, header)
print("written again:", [nrrd.read_header("again.nrrd").get(key) for key in NAMES])
same = [by_simpleitk for by_simpleitk, _ in found.values()] == list(NAMES.values())
lost = [by_pynrrd for _, by_pynrrd in found.values()] == ["", "", "Lungenflgel", "lung"]
sys.exit(0 if same and lost and refused else 1)
PYTHON
