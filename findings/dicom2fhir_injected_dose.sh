#!/bin/sh
# dicom2fhir 0.1.25 states a PET's injected dose a million times too high: it copies Radionuclide Total Dose (0018,1074)
# and names it "Megabecquerel", which is right for the NM image (PS3.3 C.8.4.10.1.7), while the PET image has becquerels
# (C.8.9.2). An injection of 350 MBq becomes 350000000.0 Megabecquerel in the ImagingStudy. It takes the uptake time,
# tracerExposureTime, from the times of day alone and makes it positive: an injection at 23:30 for a scan at 00:30 gets
# 82800 seconds, 23 hours, though Radiopharmaceutical Start DateTime is in the file. And the Patient's family name
# begins with '{ "Alphabetic": "'. Nothing warns. Expected: 350 Megabecquerel, 3600 seconds and the name. No report
# found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicom2fhir==0.1.25 fhir.resources==8.0.0 \
    fhir-core==1.0.1 pydantic==2.11.5 annotated-types==0.7.0 pydicom==3.0.2 pandas==2.3.3 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import asyncio
import json
import os
import sys
from importlib.metadata import version

from dicom2fhir.dicom2fhir import from_directory
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage, PositronEmissionTomographyImageStorage
from pydicom.uid import generate_uid


def item(**values):
    """A dataset of these elements, for a file or a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def convert(modality, sop_class, dose, injected, scanned):
    """The values of the FHIR bundle that dicom2fhir makes of a scan, by the names of their extensions."""
    image = item(SOPClassUID=sop_class, SOPInstanceUID=generate_uid(), Modality=modality, SeriesNumber=1)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.StudyInstanceUID, image.SeriesInstanceUID, image.InstanceNumber = generate_uid(), generate_uid(), 1
    image.PatientName, image.PatientID, image.PatientSex, image.PatientBirthDate = "Phantom^Pet", "1", "O", "19700101"
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = scanned[:8]
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = scanned[8:]
    fluorine = item(CodeValue="C-111A1", CodingSchemeDesignator="SRT", CodeMeaning="^18^Fluorine")
    tracer = item(Radiopharmaceutical="Fluorodeoxyglucose", RadionuclideCodeSequence=[fluorine])
    tracer.RadiopharmaceuticalStartTime, tracer.RadiopharmaceuticalStartDateTime = injected[8:], injected
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = dose, 6586.2
    image.RadiopharmaceuticalInformationSequence = [tracer]
    folder = f"{modality}{injected}"
    os.mkdir(folder)
    image.save_as(f"{folder}/image.dcm", enforce_file_format=True)
    bundle = json.loads(asyncio.run(from_directory(folder, {"dicom_timezone": "UTC"})).model_dump_json())
    study, patient = (
        next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind)
        for kind in ("ImagingStudy", "Patient")
    )
    values = {"family": patient["name"][0]["family"]}
    for extension in study["series"][0]["extension"]:
        for part in extension["extension"]:
            if "valueQuantity" in part:
                values[part["url"]] = part["valueQuantity"]["value"], part["valueQuantity"]["unit"]
    return values


print(f"dicom2fhir {version('dicom2fhir')}, fhir.resources {version('fhir.resources')}, pydicom {version('pydicom')}")
PET, NM = PositronEmissionTomographyImageStorage, NuclearMedicineImageStorage
found = []
for name, arguments in (
    ("PET, 350e6 Bq, 10:00 to 11:00", ("PT", PET, 350e6, "20260105100000", "20260105110000")),
    ("PET, 350e6 Bq, 23:30 to 00:30", ("PT", PET, 350e6, "20260105233000", "20260106003000")),
    ("NM, 600 MBq, 10:00 to 11:00", ("NM", NM, 600, "20260105100000", "20260105110000")),
):
    values = convert(*arguments)
    found.append((*values["radionuclideTotalDose"], values["tracerExposureTime"][0], values["family"][:5]))
    print(f"{name}: {' '.join(map(str, values['radionuclideTotalDose']))}, uptake {values['tracerExposureTime'][0]} s")
print(f"family name: {values['family']!r}")
wrong = [(350e6, "Megabecquerel", 3600, '{\n  "'), (350e6, "Megabecquerel", 82800, '{\n  "')]
sys.exit(0 if found == [*wrong, (600, "Megabecquerel", 3600, '{\n  "')] else 1)
PYTHON
