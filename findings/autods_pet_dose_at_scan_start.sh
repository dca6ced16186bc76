#!/bin/sh
# autods-pet 0.1.0 divides by the dose as injected if the DICOM attribute Decay Correction is START, as most scanners
# write it: the image is then corrected to the start of the scan, so the dose has to be decayed to that time as well.
# FDG that has spread evenly over a patient has a SUV of 1 everywhere; an hour after the injection it gives 0.68, after
# 90 minutes 0.57, and its Deauville scores divide such values by a threshold. ADMIN, an image corrected to the time of
# injection, is right, and START is treated the same (effective_dose: "START", "ADMIN", "YES", "CORRECTED"). Nothing
# warns. Expected: dose * 2^(-time / half-life), as QIBA's vendor-neutral rule says. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6 pydicom==3.0.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps autods-pet==0.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import SimpleITK as sitk
from autods_pet.imaging.normalization import compute_suvbw, effective_dose

print(f"autods-pet {version('autods-pet')}, SimpleITK {sitk.__version__}")
dose, half_life, weight = 370e6, 6586.2, 60.0
found = {}
for correction in ("START", "ADMIN"):
    for minutes in (60, 90):
        left = dose * 2 ** (-60 * minutes / half_life) if correction == "START" else dose
        pet = sitk.Image(4, 4, 4, sitk.sitkFloat64) + left / (weight * 1000)  # Bq/ml, evenly in the whole body
        reference = effective_dose(dose, half_life, 60 * minutes, correction)
        found[correction, minutes] = round(compute_suvbw(pet, weight, reference)[0, 0, 0], 2)
        print(f"{correction}, scan after {minutes} minutes: SUV {found[correction, minutes]}, expected 1")
right = {("ADMIN", 60): 1.0, ("ADMIN", 90): 1.0}
sys.exit(0 if found == {("START", 60): 0.68, ("START", 90): 0.57} | right else 1)
PYTHON
