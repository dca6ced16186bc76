#!/bin/sh
# deepprostate 1.5.0's MedicalSegmentation measures shapes and grey values wrong. Its surface counts the voxels on both
# sides of the border: a cube of 20 mm has 4568 instead of 2400 mm2, so its sphericity is 0.42 instead of 0.81, and that
# of a ball 0.60 instead of 1. Its "Shannon entropy" and uniformity take the histogram's density for probabilities, so
# that they depend on the unit: the same voxels have an entropy of 2.8, of 65.8 divided by 100 and of 0.39 times 10,
# where 7.0 is right each time. And calculate_metrics keeps its first result whatever spacing comes next: in voxels of 1
# x 1 x 5 mm the ball still has 4.2 ml. Nothing warns. Expected: 2400 mm2, 7.0 and 20.8 ml. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.15.3
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps deepprostate==1.5.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from datetime import datetime
from importlib.metadata import distribution, version
from types import ModuleType

import numpy as np

for name in ("deepprostate", "deepprostate.core", "deepprostate.core.domain", "deepprostate.core.domain.entities"):
    package = ModuleType(name)  # without its networks and its windows
    package.__path__ = [str(distribution("deepprostate").locate_file(name.replace(".", "/")))]
    sys.modules[name] = package
from deepprostate.core.domain.entities.medical_image import ImageSpacing
from deepprostate.core.domain.entities.segmentation import AnatomicalRegion, MedicalSegmentation, SegmentationType

print(f"deepprostate {version('deepprostate')}, numpy {np.__version__}")


def segmentation(mask):
    kind = AnatomicalRegion.SUSPICIOUS_LESION, SegmentationType.MANUAL
    return MedicalSegmentation(mask, *kind, datetime(2026, 1, 1), "1")


cube = np.zeros((40, 40, 40), dtype=bool)
cube[10:30, 10:30, 10:30] = True
ball = ((np.indices((40, 40, 40)) - 20) ** 2).sum(axis=0) <= 100
found = []
for name, mask, area, sphericity in (("cube", cube, 2400, (np.pi / 6) ** (1 / 3)), ("ball", ball, 400 * np.pi, 1)):
    metrics = segmentation(mask).calculate_metrics(ImageSpacing(1, 1, 1))
    found.append((round(float(metrics.surface_area_mm2)), round(float(metrics.sphericity), 2)))
    print(f"{name}: {found[-1][0]} mm2, sphericity {found[-1][1]}, expected {area:.0f} mm2, {sphericity:.2f}")

lesion = segmentation(ball)
image = np.random.default_rng(0).normal(0, 100, ball.shape)
share = np.histogram(image[ball], 256)[0] / ball.sum()
right = -(share[share > 0] * np.log2(share[share > 0])).sum()
for factor in (0.01, 1, 10):
    statistics = lesion.calculate_intensity_statistics(image * factor)
    found.append((round(float(statistics.entropy), 2), round(float(statistics.uniformity), 6)))
    print(f"grey values times {factor}: entropy {found[-1][0]}, uniformity {found[-1][1]}", end=", ")
    print(f"expected {right:.2f}, {(share**2).sum():.4f}")

for spacing in (ImageSpacing(1, 1, 1), ImageSpacing(1, 1, 5)):
    found.append(round(float(lesion.calculate_metrics(spacing).volume_mm3)))
    print(f"the ball in voxels of {spacing.x} x {spacing.y} x {spacing.z} mm: {found[-1]} mm3", end=", ")
    print(f"expected {ball.sum() * spacing.get_voxel_volume()}")
shapes, greys = [(4568, 0.42), (2096, 0.6)], [(65.82, 9.678273), (2.85, 0.000968), (0.39, 1e-05)]
sys.exit(0 if found == [*shapes, *greys, 4169, 4169] else 1)
PYTHON
