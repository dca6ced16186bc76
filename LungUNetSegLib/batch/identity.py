"""Names scans in the results: by path, by pseudonym, or by DICOM header."""

from __future__ import annotations

import math
import re
from pathlib import Path

from LungUNetSegLib.batch.candidates import Candidate
from LungUNetSegLib.batch.digests import NAME_DIGITS, code_of
from LungUNetSegLib.batch.jobs import BatchSettings, Job
from LungUNetSegLib.batch.plan import Plan, Taken
from LungUNetSegLib.io.endings import ending_of

_UNFIT = re.compile(r"[^\w.-]+")
NAME_LENGTH = 60

DICOM_COLUMNS = {
    "patient_id": "PatientID",
    "study_date": "StudyDate",
    "accession_number": "AccessionNumber",
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "series_number": "SeriesNumber",
}
SCANNER_COLUMNS = {
    "site": "InstitutionName",
    "manufacturer": "Manufacturer",
    "scanner": "ManufacturerModelName",
    "kernel": "ConvolutionKernel",
}


def jobs_of(plan: Plan, settings: BatchSettings) -> list[Job]:
    """Return a job for each scan of a plan. In each plan of a source a scan has one name, whatever lies beside it."""
    top = plan.source if plan.source.is_dir() else plan.source.parent
    return [_job(each, settings, top) for each in plan.taken]


def _job(taken: Taken, settings: BatchSettings, top: Path) -> Job:
    scan = taken.scan
    code = code_of(scan.key, settings.secret)
    digits = code[:NAME_DIGITS]
    scanner = {column: scan.details.get(keyword, "") for column, keyword in SCANNER_COLUMNS.items()}
    hidden: tuple[str, ...] = ()
    if settings.identify == "pseudonym":
        name, identity = f"scan-{code}", {}
        if scanner["site"]:
            scanner["site"] = f"site-{code_of(scanner['site'], settings.secret)}"
        hidden = _hidden(scan)
    elif settings.identify == "dicom":
        identity = {column: scan.details.get(keyword, "") for column, keyword in DICOM_COLUMNS.items()}
        identity |= {"description": scan.title}
        words = [taken.name or identity["patient_id"], identity["study_date"], identity["series_number"]]
        name = f"{_fit('_'.join(filter(None, words)) or _without_ending(_below(top, Path(scan.place))))}-{digits}"
    else:
        identity = {"path": scan.place, "description": scan.title}
        identity["series_uid"] = scan.details.get("SeriesInstanceUID", "")
        name = f"{_fit(taken.name or _without_ending(_below(top, Path(scan.place))))}-{digits}"
    if taken.name and settings.identify != "pseudonym":
        identity = {"id": taken.name} | identity
    return Job(
        name=name,
        place=scan.place,
        files=scan.files,
        copies=scan.copies,
        series=scan.series,
        voxels=math.prod(scan.shape),
        fingerprint=code_of(scan.fingerprint, settings.secret),
        identity=identity,
        scanner=scanner | {"thickness_mm": scan.thickness_mm or None},
        hidden=hidden,
    )


def _hidden(scan: Candidate) -> tuple[str, ...]:
    """Return the paths and identifiers that may occur in errors and findings, and that no result may contain."""
    files = scan.files + scan.copies
    texts = {scan.place, str(Path(scan.place).parent), scan.title, *(each.name for each in files)}
    names = {Path(each.member or each.path).name for each in files}
    texts |= {str(Path(each.name).parent) for each in files}
    texts |= {str(each.path) for each in files} | {name for name in names if not name.isalpha()}
    texts |= {scan.details.get(keyword, "") for keyword in DICOM_COLUMNS.values() if keyword != "SeriesNumber"}
    return tuple(sorted(each for each in texts if len(each) > 3))


def _fit(text: str) -> str:
    """Return a text as part of a file's name on every system."""
    return _UNFIT.sub("_", text).strip("._")[-NAME_LENGTH:].strip("._") or "scan"


def _without_ending(path: Path) -> str:
    """Return a path without an image's ending; dots of folders stay."""
    text = str(path)
    return text[: len(text) - len(ending_of(path) or "")]


def _below(top: Path, place: Path) -> Path:
    """Return a place without the source's own path; a list may name scans that lie elsewhere."""
    return place.relative_to(top) if top in place.parents else Path(place.name)
