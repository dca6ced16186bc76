#!/bin/sh
# pySegUpsampler 0.1.1 upsamples a mask, by default with a sigma and an isovalue that it finds itself, so that the
# surface keeps its ratio to the volume. A cube of 64 mm3 comes back with 666 mm3, ten times as large, and a cube of
# 216 mm3 with 1336: the sum that it compares has overwritten its own array (after getSurfaceArea, getVolume of 64
# voxels is 96, and a second getSurfaceArea 216 in place of 96), and the isovalue becomes 0.001 where its README
# recommends 0.4 to 0.5. With sigma 0.5 and isovalue 0.45 it has 59 mm3. A label 300 becomes 44, since the result has 8
# bits. Nothing warns. Expected: about the same volume, the same label. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysegupsampler==0.1.1 vtk==9.6.2 numba==0.68.1 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
import sys
from importlib.metadata import version

import numpy as np
from SegmentationUpsampler.UpsampleMultiLabels import upsample


def upsampled(label, side, **given):
    mask = np.zeros((side + 8,) * 3)
    mask[4:-4, 4:-4, 4:-4] = label
    with contextlib.redirect_stdout(io.StringIO()):
        return upsample(mask, [0.5, 0.5, 0.5], spacing=[1, 1, 1], NB=False, **given)


print("pySegUpsampler", version("pysegupsampler"), "vtk", version("vtk"), "numpy", np.__version__)
found = {}
for side in (4, 6):
    for name, given in (("default", {}), ("sigma 0.5, isovalue 0.45", {"sigma": 0.5, "iso": 0.45})):
        found[side, name] = np.count_nonzero(upsampled(1.0, side, **given)) / 8
        print(f"cube of {side ** 3} mm3, {name}: {found[side, name]:.0f} mm3")
labels = np.unique(upsampled(300.0, 4, sigma=0.5, iso=0.45)).tolist()
print(f"label 300: {labels}")
wrong = found[4, "default"] > 600 and found[6, "default"] > 1000
right = all(abs(found[side, "sigma 0.5, isovalue 0.45"] / side**3 - 1) < 0.1 for side in (4, 6))
sys.exit(0 if wrong and right and labels == [0, 44] else 1)
PYTHON
