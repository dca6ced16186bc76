#!/bin/sh
# pySUV 0.1.0 takes Series Time (0008,0031) as the time to which a PET is corrected for decay: a scan of 11:00 that was
# reconstructed at 15:00, injected at 10:00, gets 300 minutes of decay instead of 60, and SUVs 4.6 times too high, by
# compute_suv and get_suv_factor, for all makers but Philips, with no warning. Decay Correction START means the start of
# the acquisition (PS3.3 C.8.9.1.1.5), and Acquisition Time (0008,0032) and Frame Reference Time, which together with
# Series Time give it, are in the file; its own source says that Series Time is "not tied to any real-world event".
# Its class for GE has the acquisition's start, which the calculation does not ask. Expected: the SUV of the same scan
# with both times at 11:00. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysuv==0.1.0 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pysuv
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

DOSE, HALF_LIFE, WEIGHT = 350e6, 6586.2, 70  # Bq, s (F-18), kg


def scan(maker, series_time, frame_reference_time):
    """A PET of 10 kBq/ml, injected at 10:00 and scanned at 11:00 for two minutes."""
    pet, dose = Dataset(), Dataset()
    pet.file_meta = FileMetaDataset()
    pet.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pet.Modality, pet.Manufacturer, pet.Units, pet.PatientWeight = "PT", maker, "BQML", WEIGHT
    pet.DecayCorrection, pet.DecayFactor, pet.CorrectedImage = "START", 1.006, ["DECY", "ATTN", "SCAT"]
    pet.SeriesDate = pet.AcquisitionDate = "20260105"
    pet.SeriesTime, pet.AcquisitionTime = series_time, "110000"
    pet.FrameReferenceTime, pet.ActualFrameDuration = frame_reference_time, 120000
    dose.RadiopharmaceuticalStartTime, dose.RadiopharmaceuticalStartDateTime = "100000", "20260105100000"
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = DOSE, HALF_LIFE
    pet.RadiopharmaceuticalInformationSequence = [dose]
    pet.Rows = pet.Columns = 2
    pet.SamplesPerPixel, pet.PhotometricInterpretation, pet.PixelRepresentation = 1, "MONOCHROME2", 0
    pet.BitsAllocated, pet.BitsStored, pet.HighBit, pet.RescaleSlope, pet.RescaleIntercept = 16, 16, 15, 1, 0
    pet.PixelData = np.full((2, 2), 10000, dtype="<u2").tobytes()
    pet["PixelData"].VR = "OW"
    return pet


print(f"pysuv {version('pysuv')}, pydicom {version('pydicom')}, numpy {np.__version__}")
right = WEIGHT * 1000 * 10000 / (DOSE * 2 ** (-3600 / HALF_LIFE))
print(f"by hand, the dose decayed for 60 minutes: SUV {right:.2f}")
found = []
for maker in ("SIEMENS", "GE MEDICAL SYSTEMS", "Canon"):
    for series_time, offset in (("110000", 60000), ("150000", 60000 - 4 * 3600 * 1000)):
        suv = float(pysuv.compute_suv(scan(maker, series_time, offset)).max())
        minutes = pysuv.get_suv_parameters(scan(maker, series_time, offset)).elapsed_time_min
        found.append((round(suv / right, 2), minutes))
        print(f"{maker}, scanned at 110000, series of {series_time}: {minutes:g} minutes, SUV {suv:.2f}")
sys.exit(0 if found == 3 * [(1, 60), (4.55, 300)] else 1)
PYTHON
