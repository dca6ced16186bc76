#!/bin/sh
# lctio 0.1.0's retiff ("replicate the shape, data type, and photometric interpretation") turns 8-bit radiographs whose
# 0 is white into their negative: Pillow, with which it reads, turns the values of such a TIFF
# (PhotometricInterpretation 0) round so that 0 is black, tifffile, with which it writes, stores them as they come, and
# the new file says that 0 is white, as before. 0, 10 and 255 become 255, 245 and 0; masks of 1 bit are exchanged with
# their background. 16 bits come through, as Pillow turns only 8 and 1 round, so of one scan's pictures some are
# negatives. And 32 bits without a sign become ones with a sign: 3000000000 is -1294967296. By default the file itself
# is replaced, without a word. Expected: the same pixels. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lctio==0.1.0 pillow==12.0.0 tifffile==2026.3.3 \
    numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import tifffile

print(f"lctio {version('lctio')}, Pillow {version('pillow')}, tifffile {tifffile.__version__}")
found = []
for photometric, kind, values in (
    ("minisblack", np.uint8, [0, 10, 255]),
    ("miniswhite", np.uint8, [0, 10, 255]),
    ("miniswhite", bool, [0, 1, 1]),
    ("miniswhite", np.uint16, [0, 10, 255]),
    ("minisblack", np.uint32, [0, 10, 3000000000]),
):
    tifffile.imwrite("image.tif", np.array([values]).astype(kind), photometric=photometric)
    subprocess.run(["venv/bin/retiff", "image.tif"], check=True)
    with tifffile.TiffFile("image.tif") as file:
        name, pixels = file.pages[0].photometric.name.lower(), file.asarray().astype(int).ravel().tolist()
    found.append((name == photometric, pixels == values))
    print(f"{np.dtype(kind).name}, {photometric}: {values} became {pixels}, {name}")
sys.exit(0 if found == [(True, True), (True, False), (True, False), (True, True), (True, False)] else 1)
PYTHON
