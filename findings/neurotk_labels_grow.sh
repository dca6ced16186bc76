#!/bin/sh
# neurotk 0.3.4's preprocess makes labels larger: it resamples with scipy's zoom, which keeps the first and the last
# voxel's middle in place, and writes the new spacing as if it kept the borders. A label of 6.0 ml in 12 slices of 5 mm
# has 6.4 ml in the slices of 1 mm that it asks for (6.7 % more), in 6 slices of 10 mm 7.2 instead of 6.0 ml (20 %). It
# also searches all subfolders and writes into one: of sub-01/scan.nii.gz and sub-02/scan.nii.gz the first is
# overwritten, while processed_files names two. Nothing warns of either ("Preprocess complete"). Its page:
# "deterministic", "with full audit trail". Expected: the same volume, two scans. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check neurotk==0.3.4 nibabel==5.4.2 numpy==2.2.6 \
    scipy==1.15.3
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import nibabel
import numpy as np
from neurotk.preprocess import preprocess_dataset

print(f"neurotk {version('neurotk')}, scipy {version('scipy')}, nibabel {nibabel.__version__}")


def millilitres(name):
    image = nibabel.load(name)
    return round(float((image.get_fdata() > 0).sum() * np.prod(image.header.get_zooms()) / 1000), 2)


found = []
for slices, thickness, first, last in ((12, 5, 3, 9), (6, 10, 1, 4)):
    for subject, columns in (("sub-01", slice(4, 9)), ("sub-02", slice(20, 30))):
        mask = np.zeros((40, 40, slices), dtype=np.uint8)
        mask[columns, 10:30, first:last] = 1
        for kind, voxels in (("images", mask.astype(np.int16) * 100), ("labels", mask)):
            path = Path(f"{thickness}mm/{kind}/{subject}/scan.nii.gz")
            path.parent.mkdir(parents=True)
            nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1, 1, thickness, 1])), path)
    scans = Path(f"{thickness}mm")
    report = preprocess_dataset(scans / "images", scans / "labels", scans / "out", (1.0, 1.0, 1.0))
    written = sorted(str(path.relative_to(scans / "out")) for path in scans.glob("out/*/*.nii.gz"))
    found.append((millilitres(scans / "labels/sub-02/scan.nii.gz"), millilitres(scans / "out/labels/scan.nii.gz")))
    print(f"slices of {thickness} mm: sub-02's label of {found[-1][0]} ml has {found[-1][1]} ml in 1 mm", end="; ")
    print(f"processed {report['processed_files']}, written {written}")
two = report["processed_files"] == ["scan.nii.gz"] * 2 and written == ["images/scan.nii.gz", "labels/scan.nii.gz"]
sys.exit(0 if two and found == [(6.0, 6.4), (6.0, 7.2)] else 1)
PYTHON
