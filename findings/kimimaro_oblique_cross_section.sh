#!/bin/sh
# kimimaro 5.8.5 measures the cross-section of a tube 70 % too large where voxels are not cubes: a tube of radius 8 mm
# at 60 degrees to the slices has 201 mm2; with voxels of 1 x 1 x 1 mm it says 196, with 1 x 1 x 4 mm 342. It takes the
# skeleton's direction in voxels for the normal of the plane, and so does xs3d, so that the plane is not at right angles
# to the tube in mm, though the area is in mm2. Tubes along an axis are right. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kimimaro==5.8.5 xs3d==1.14.0 osteoid==0.7.4 \
    numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import kimimaro
import numpy as np
from osteoid import Skeleton

RADIUS, ANGLE, SIDE = 8, np.deg2rad(60), 80
DIRECTION, CENTRE = np.array([np.cos(ANGLE), 0, np.sin(ANGLE)]), np.full(3, SIDE / 2)


def area(spacing):
    """The median area in mm2 along the middle 40 mm of the tube, in voxels of `spacing` (x, y, z in mm)."""
    sides = [np.arange(SIDE // step) * step for step in spacing]
    places = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1) - CENTRE
    along = places @ DIRECTION
    tube = (places**2).sum(axis=-1) - along**2 <= RADIUS**2
    line = CENTRE + np.linspace(-20, 20, 81)[:, None] * DIRECTION
    voxels = np.unique(np.round(line / spacing).astype(int), axis=0)
    voxels = voxels[np.argsort((voxels * spacing) @ DIRECTION)]
    edges = np.stack([np.arange(len(voxels) - 1), np.arange(1, len(voxels))], axis=1)
    skeleton = Skeleton((voxels * spacing).astype(np.float32), edges.astype(np.uint32), segid=1, space="physical")
    labels = np.asfortranarray(tube.astype(np.uint8))
    (measured,) = kimimaro.cross_sectional_area(
        labels, [skeleton], anisotropy=np.array(spacing, dtype=np.float32), smoothing_window=15
    )
    return float(np.median(measured.cross_sectional_area))


cubes, slabs = area((1, 1, 1)), area((1, 1, 4))
print(f"kimimaro {version('kimimaro')}, xs3d {version('xs3d')}, osteoid {version('osteoid')}, numpy {np.__version__}")
print(f"true {np.pi * RADIUS**2:.0f} mm2; voxels of 1 x 1 x 1 mm: {cubes:.0f}; 1 x 1 x 4 mm: {slabs:.0f}")
sys.exit(0 if 190 < cubes < 210 and 320 < slabs < 360 else 1)
PYTHON
