#!/bin/sh
# qradiomics 0.9.5's read_pet_suv and compute_suv_factor correct the injected dose for decay whatever Decay Correction
# (0054,1102) is. ADMIN means that the pixels are corrected to the time of the injection (PS3.3 C.8.9.1.1.4): then the
# dose is to be taken as it was injected, and the SUV of an FDG scan 60 minutes later is 46 % too high. And it compares
# the times of day alone: a dose given at 23:30 for a scan at 00:30 decays by -23 hours instead of 1, an SUV 8900 times
# too small, though Radiopharmaceutical Start DateTime (0018,1078) is in the file. Both come with estimated=False and
# no warning. SUVbw = pixel (Bq/ml) * weight (g) / dose (Bq), the dose decayed to the time to which the pixels are
# corrected (QIBA, which it names as its source). Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps qradiomics==0.9.5
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.util
import sys
from importlib.metadata import distribution, version

from pydicom.dataset import Dataset

# The module alone: the package itself loads its command line and the rest.
path = distribution("qradiomics").locate_file("qradiomics/io/dicom/pet_suv.py")
specification = importlib.util.spec_from_file_location("pet_suv", path)
pet_suv = sys.modules["pet_suv"] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(pet_suv)

DOSE, HALF_LIFE, WEIGHT = 350e6, 6586.2, 70  # Bq, s (F-18), kg


def scan(correction, injected, scanned):
    pet, dose = Dataset(), Dataset()
    pet.Modality, pet.Units, pet.DecayCorrection, pet.PatientWeight = "PT", "BQML", correction, WEIGHT
    pet.SeriesDate = pet.AcquisitionDate = scanned[:8]
    pet.SeriesTime = pet.AcquisitionTime = scanned[8:]
    dose.RadiopharmaceuticalStartTime, dose.RadiopharmaceuticalStartDateTime = injected[8:], injected
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = DOSE, HALF_LIFE
    pet.RadiopharmaceuticalInformationSequence = [dose]
    return pet


print(f"qradiomics {version('qradiomics')}, pydicom {version('pydicom')}")
found = {}
for name, correction, injected, scanned in (
    ("START, 10:00 to 11:00", "START", "20260105100000", "20260105110000"),
    ("ADMIN, 10:00 to 11:00", "ADMIN", "20260105100000", "20260105110000"),
    ("START, 23:30 to 00:30", "START", "20260105233000", "20260106003000"),
):
    factor, estimated = pet_suv.compute_suv_factor(scan(correction, injected, scanned))
    decayed = DOSE if correction == "ADMIN" else DOSE * 2 ** (-3600 / HALF_LIFE)
    ratio = factor / (WEIGHT * 1000 / decayed)
    found[name] = float(f"{ratio:.3g}"), estimated
    print(f"{name}: SUV of 10 kBq/ml {factor * 1e4:.4g}, by hand {WEIGHT * 1e7 / decayed:.4g}, estimated={estimated}")
wrong = {name: (ratio, False) for name, ratio in zip(found, (1, 1.46, 0.000112), strict=True)}
sys.exit(0 if found == wrong else 1)
PYTHON
