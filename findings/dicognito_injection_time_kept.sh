#!/bin/sh
# dicognito 0.19.0 changes how long before a PET scan its tracer was injected: it moves dates and times by a number of
# hours, but of a time alone (TM) only what has a date of the same name beside it. Acquisition Time (0008,0032) moves,
# Radiopharmaceutical Start Time (0018,1072), which PS3.3 C.8.9.2 has without a date, does not: injected at 10:00 and
# scanned at 11:00, a scan is of 08:00 or 12:00 afterwards and its injection still of 10:00. With the half-life of F-18
# and the dose decayed from there to the scan, SUVs are 0.32 or 1.46 times what they were. Its list of actions says that
# it replaces TM "only if replacing matching DA element". Radiopharmaceutical Start DateTime, optional, moves rightly,
# so readers that prefer it are right. No report found. Expected: an hour between the two. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicognito==0.19.0 pydicom==3.0.2
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import pydicom
from dicognito.anonymizer import Anonymizer
from pydicom.dataset import Dataset, FileMetaDataset

HALF_LIFE = 6586.2  # seconds, F-18


def scan():
    """The times of a PET of 11:00, its tracer injected at 10:00."""
    dataset, tracer = Dataset(), Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.PatientID, dataset.Modality = "1", "PT"
    dataset.SeriesDate = dataset.AcquisitionDate = "20260301"
    dataset.SeriesTime = dataset.AcquisitionTime = "110000"
    tracer.RadiopharmaceuticalStartTime = "100000"
    tracer.RadiopharmaceuticalStartDateTime = "20260301100000"
    dataset.RadiopharmaceuticalInformationSequence = [tracer]
    return dataset


def hours(time):
    return int(time[:2]) + int(time[2:4]) / 60


print(f"dicognito {version('dicognito')}, pydicom {pydicom.__version__}")
kept, moved = [], []
for seed in ("1", "2", "b"):
    dataset = scan()
    Anonymizer(seed=seed).anonymize(dataset)
    tracer = dataset.RadiopharmaceuticalInformationSequence[0]
    kept.append(hours(dataset.AcquisitionTime) - hours(tracer.RadiopharmaceuticalStartTime))
    moved.append(hours(dataset.AcquisitionTime) - hours(tracer.RadiopharmaceuticalStartDateTime[8:]))
    change = 2 ** ((kept[-1] - 1) * 3600 / HALF_LIFE)
    print(
        f"seed {seed}: scanned at {dataset.AcquisitionTime}, injected at {tracer.RadiopharmaceuticalStartTime} "
        f"(SUV times {change:.2f}), start of date and time {tracer.RadiopharmaceuticalStartDateTime}"
    )
sys.exit(0 if moved == [1, 1, 1] and kept == [-2, 2, -5] else 1)
PYTHON
