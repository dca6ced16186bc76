"""Imports the data of the challenge LCTSC 2017 (doi:10.7937/K9/TCIA.2017.3R3FVZ08) as cases for training and testing.

As published, a study contains one planning CT and one RTSTRUCT with `Lung_L`, `Lung_R` and three other organs, as
``PATIENT/STUDY/SERIES/*.dcm``. Only the DICOM headers are used here, so that other folder layouts work too. Structures
are found by this library's table of names, which also contains the "Lung L" of copies before release 3.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.names import CT, LUNGS
from LungUNetSegLib.cases.patients import INDEX_FILE
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.errors import DataError, LungUNetSegError, WriteError
from LungUNetSegLib.files import draft_folder, make_folder, write_csv
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import read_scan, write_labels
from LungUNetSegLib.io.dicom.files import files_of, read_dataset
from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.segments import LUNGS as LUNG_SEGMENTS

_NAME = re.compile(r"LCTSC-(Train|Test)-(S[123])-(\d)\d\d", re.IGNORECASE)
_TAGS = ["PatientID", "Modality", "StudyInstanceUID", "SeriesInstanceUID", "ReferencedFrameOfReferenceSequence"]

COLUMNS = ["case", "patient", "institution", "part"]
"""The columns of `index.csv`."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """The files of one patient.

    Attributes:
        patient: PatientID, which becomes the case's name.
        scans: Files of each CT series, by its UID.
        contours: RTSTRUCT files, each with the UIDs of the series that it refers to.
    """

    patient: str
    scans: dict[str, list[Path]] = field(default_factory=dict)
    contours: dict[Path, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The result of importing one patient.

    Attributes:
        patient: PatientID.
        volumes_ml: Volumes of the right and the left lung; None if the patient was not imported.
        findings: What was left out or filled.
        error: Why the patient was not imported; empty otherwise.
    """

    patient: str
    volumes_ml: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    error: str = ""


def institution_of(case: str) -> str:
    """Return S1, S2 or S3 of a name such as ``LCTSC-Train-S1-001``; empty for another name."""
    match = _NAME.search(case)
    return match[2].upper() if match else ""


def part_of(case: str) -> str:
    """Return the part of the challenge that a case belongs to: train, off-site or live; empty for another name.

    From memory: test cases numbered from 101 belong to the off-site test, those from 201 to the live test.
    """
    match = _NAME.search(case)
    if match is None:
        return ""
    return "train" if match[1].lower() == "train" else {"1": "off-site", "2": "live"}.get(match[3], "")


def find_studies(folder: Path) -> list[Study]:
    """Group all DICOM files in a folder by patient, by their headers.

    Raises:
        DataError: The folder does not exist, or contains neither CT nor RTSTRUCT.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; give the folder that contains the patients' folders.")
    studies: dict[str, Study] = {}
    for path in files_of(folder):
        header = read_dataset(path, stop_before_pixels=True, specific_tags=_TAGS)
        if header is None or header.get("Modality") not in ("CT", "RTSTRUCT"):
            continue
        patient = str(header.get("PatientID") or "").strip()
        study = studies.setdefault(patient, Study(patient=patient))
        if header.Modality == "CT":
            study.scans.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(path)
        else:
            study.contours[path] = set(_series_of(header))
    if not studies:
        raise DataError(f"{folder} contains no CT and no RTSTRUCT; give the folder with the patients' folders.")
    return [studies[patient] for patient in sorted(studies)]


def import_study(study: Study, cases: Path) -> Imported:
    """Write a patient's CT and lungs as `cases/PATIENT/ct/` and `lungs.nii.gz`, both or neither.

    Raises:
        WriteError: The folder cannot be written, or already contains this case.
        LungUNetSegError: The study cannot be used; says why.
    """
    files, contours = _pair(study)
    target = cases / study.patient
    if target.exists():
        raise WriteError(f"{target}: exists; remove it to import the patient again.")
    scan = read_scan(files)
    geometry = scan.volume.geometry
    mask = read_mask_of(contours, scan)
    volumes = [float((mask.labels.array == lung.label).sum() * geometry.voxel_volume_ml) for lung in LUNG_SEGMENTS]
    for lung, volume in zip(LUNG_SEGMENTS, volumes, strict=True):
        if not volume:
            raise DataError(f"{contours}: contains no {lung.name.lower()}; both lungs are needed.")
    try:
        with draft_folder(cases) as draft:
            (draft / CT).mkdir()
            for number, path in enumerate(files):
                shutil.copyfile(path, draft / CT / f"{number:04d}.dcm")
            write_labels(draft / f"{LUNGS}.nii.gz", mask.labels)
            findings = _checked(study.patient, draft, contours)
            draft.rename(target)
    except OSError as error:
        raise WriteError(f"{target}: cannot be written: {error.strerror}.") from error
    told = (*scan.findings, *mask.findings, *findings)
    return Imported(patient=study.patient, volumes_ml=(volumes[0], volumes[1]), findings=tuple(dict.fromkeys(told)))


def _checked(patient: str, folder: Path, contours: Path) -> tuple[Finding, ...]:
    """Check what was written, as a training does; errors name the RTSTRUCT instead of the written mask."""
    mask = folder / f"{LUNGS}.nii.gz"
    try:
        return read_pair(Case(case_id=patient, patient=patient, image=folder / CT, mask=mask)).findings
    except DataError as error:
        raise DataError(str(error).replace(str(mask), str(contours))) from error


def import_lctsc(studies: Sequence[Study], cases: Path) -> Iterator[Imported]:
    """Import patients one by one; one that cannot be imported does not stop the others.

    At the end `cases/index.csv` lists the patient, the institution and the part of the challenge of each case; older
    rows are kept.

    Raises:
        WriteError: `cases` cannot be written, or holds another index, which says whose its cases are.
    """
    make_folder(cases)
    listed = _listed(cases)
    for study in studies:
        try:
            yield import_study(study, cases)
        except LungUNetSegError as error:
            yield Imported(patient=study.patient, error=str(error))
    _write_index(cases, listed)


def _pair(study: Study) -> tuple[list[Path], Path]:
    """Return the files of the only CT and the only RTSTRUCT, which must belong together."""
    name = study.patient
    if not name:
        first = next(iter([*study.contours, *(path for files in study.scans.values() for path in files)]))
        raise DataError(f"{first}: has no PatientID; give each patient an ID.")
    if re.search(r"[\\/:]|^\.", name):
        raise DataError(f"The PatientID {name!r} is not a valid folder name; change it.")
    if not study.scans:
        raise DataError(f"{name}: has an RTSTRUCT but no CT; add the CT that it was drawn on.")
    if not study.contours:
        raise DataError(f"{name}: has a CT but no RTSTRUCT; a case needs contours.")
    if len(study.contours) > 1:
        listed = ", ".join(str(path) for path in sorted(study.contours))
        raise DataError(f"{name}: has {len(study.contours)} RTSTRUCTs ({listed}); keep only the one to use.")
    ((contours, drawn_on),) = study.contours.items()
    if len(study.scans) > 1:
        sizes = ", ".join(f"{files[0].parent} ({len(files)} files)" for files in study.scans.values())
        raise DataError(f"{name}: has {len(study.scans)} CT series ({sizes}); keep only the one that was contoured.")
    ((series, files),) = study.scans.items()
    if drawn_on and series not in drawn_on:
        raise DataError(f"{contours}: was drawn on another series than the CT of {name}, {files[0].parent}.")
    return files, contours


def _series_of(header: Dataset) -> Iterator[str]:
    """Yield the UIDs of the series that a structure set refers to."""
    for frame in header.get("ReferencedFrameOfReferenceSequence", []):
        for study in frame.get("RTReferencedStudySequence", []):
            for series in study.get("RTReferencedSeriesSequence", []):
                yield str(series.get("SeriesInstanceUID", ""))


def _listed(cases: Path) -> dict[str, list[str]]:
    """Return the rows of an older index by case; none without one."""
    path = cases / INDEX_FILE
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error):
        header, rows = [], []
    if header != COLUMNS:
        raise WriteError(
            f"{path}: was not written by this command, and says whose scans lie here; give another folder."
        )
    return {row[0]: row for row in rows if row}


def _write_index(cases: Path, listed: Mapping[str, Sequence[str]]) -> None:
    names: Sequence[str] = sorted(path.parent.name for path in cases.glob(f"*/{LUNGS}.nii.gz"))
    rows = (listed.get(name) or [name, name, institution_of(name), part_of(name)] for name in names)
    write_csv(cases / INDEX_FILE, COLUMNS, rows)
