#!/bin/sh
# bio-volumentations 1.4.0's PoissonNoise ("Add Poisson noise to the image") doubles the image: it adds to each voxel a
# Poisson number whose mean is the voxel itself, not that number less its mean. An image of 100 throughout has a mean
# of 200 afterwards (and a standard deviation of 10, which is right), so that a network sees images twice as bright in
# the share p (0.5) of its samples. GaussianNoise keeps the mean. Nothing warns. Expected: a mean of 100. Ends with 1
# when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bio-volumentations==1.4.0 SimpleITK==2.5.7 \
    scikit-image==0.26.0 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from bio_volumentations import Compose, GaussianNoise, PoissonNoise

print(f"bio-volumentations {version('bio-volumentations')}, numpy {np.__version__}")
found = []
for name, noise in (("GaussianNoise", GaussianNoise(var_limit=(100, 100), p=1)), ("PoissonNoise", PoissonNoise(p=1))):
    image = np.full((1, 40, 40, 40), 100, dtype=np.float32)
    result = Compose([noise], p=1)(image=image)["image"]
    found.append(round(float(result.mean())))
    print(f"{name}: an image of 100 has the mean {result.mean():.1f}, standard deviation {result.std():.1f}")
sys.exit(0 if found == [100, 200] else 1)
PYTHON
