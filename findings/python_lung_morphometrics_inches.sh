#!/bin/sh
# python-lung-morphometrics 0.4.0's do_mli reads a TIFF's XResolution as pixels per centimetre, whatever its
# ResolutionUnit is: the same image of airspaces (pixels of 1 um) has a mean linear intercept of 48.0 um if the file
# states 10000 pixels per centimetre and of 18.9 um if it states 25400 per inch, which is the same. With
# lateral_resolution (pixels per um) given, an image that is longer than max_image_length is made smaller but the given
# resolution is not: 23.0 um at half the size (46.0 without it). Nothing warns. Expected: about 48. Ends with 1 when
# that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 scikit-learn==1.7.2 \
    skops==0.13.0 pandas==2.3.3 matplotlib==3.11.2 imageio==2.38.1 tifffile==2026.3.3 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps python-lung-morphometrics==0.4.0
MPLCONFIGDIR="$folder" "$folder/venv/bin/python" -W ignore - "$folder/lung.tif" <<'PYTHON'
import contextlib
import io
import sys
from importlib.metadata import version

import numpy as np
import tifffile

with contextlib.redirect_stdout(io.StringIO()):  # a message on cellpose, which is not needed
    from python_lung_morphometrics import do_mli

print(f"python-lung-morphometrics {version('python-lung-morphometrics')}, numpy {np.__version__}")
lung = np.full((600, 620, 3), 240, dtype=np.uint8)
for wall in range(0, 620, 60):
    lung[:, wall : wall + 10] = 60  # walls of 10 um, airspaces of 50 um
found = []
for unit, resolution in (("CENTIMETER", 10000), ("INCH", 25400)):
    tifffile.imwrite(
        sys.argv[1], lung, photometric="rgb", resolution=(resolution, resolution), resolutionunit=unit
    )
    for options in ({}, {"max_image_length": 310}, {"lateral_resolution": 1.0, "max_image_length": 310}):
        found.append(round(float(do_mli(sys.argv[1], save_pic=False, **options)), 1))
        print(f"{resolution} pixels per {unit.lower()}, {options or 'no option'}: {found[-1]} um")
sys.exit(0 if found == [48, 46, 23, 18.9, 18.1, 23] else 1)
PYTHON
