"""Compares a scan with what its first file's header says of the whole: whom it shows, its width, its parts."""

from __future__ import annotations

import re
from typing import Any

from pydicom.dataset import Dataset

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.dicom.series import Series

_WANTED = (
    *("AnatomicalOrientationType", "PatientSpeciesDescription", "PatientSpeciesCodeSequence", "QualityControlImage"),
    *("ReconstructionDiameter", "SharedFunctionalGroupsSequence", "InConcatenationTotalNumber"),
)

_HUMAN = re.compile(r"human|homo sapiens|man", re.IGNORECASE)

WIDTH_SHARE = 0.02
"""Share by which the width of the image may differ from Reconstruction Diameter; in our 15 scans by four makers they
agree within 0.000001."""


def check_first_header(series: Series) -> tuple[Finding, ...]:
    """Return findings where the header of a scan's first slice contradicts the scan, or says that it is no patient."""
    # Opened again: kept from the first time, these elements would be read from the files of all slices.
    dataset = read_dataset(series.stack.slices[0].path, stop_before_pixels=True, specific_tags=list(_WANTED))
    if dataset is None:
        return ()
    found = (_subject(dataset), _width(dataset, series), _parts(dataset, series))
    return tuple(each for each in found if each)


def _subject(dataset: Dataset) -> Finding | None:
    """Return a finding if an animal or a test object is shown (PS3.3 C.7.1.1, C.7.6.1, C.7.6.16)."""
    coded = [str(each.get("CodeMeaning") or "") for each in dataset.get("PatientSpeciesCodeSequence") or ()]
    species = str(dataset.get("PatientSpeciesDescription") or "").strip() or ", ".join(filter(None, coded))
    if species and not _HUMAN.fullmatch(species):
        subject = f"an animal ({species})"
    elif dataset.get("AnatomicalOrientationType") == "QUADRUPED":
        subject = "an animal on four legs"
    elif dataset.get("QualityControlImage") == "YES":
        subject = "a test object (Quality Control Image)"
    else:
        return None
    message = (
        f"The header says that this is {subject}. The network knows human lungs only: check each slice, and sides."
    )
    return Finding("not-human", message)


def _width(dataset: Dataset, series: Series) -> Finding | None:
    """Return a finding if the pixels are not as wide as the reconstruction's diameter (PS3.3 C.8.2.1)."""
    first = series.stack.slices[0]
    given_mm = _diameter_mm(dataset)
    width_mm = max(first.columns * first.pixel_spacing_mm[1], first.rows * first.pixel_spacing_mm[0])
    if series.is_reformatted or not given_mm or abs(width_mm / given_mm - 1) <= WIDTH_SHARE:
        return None
    message = (
        f"The pixels cover {width_mm:.4g} mm, and the scanner reconstructed {given_mm:.4g} mm: was the image cropped,"
        " or resized without its Pixel Spacing? Then all volumes are wrong."
    )
    return Finding("spacing-in-doubt", message)


def _diameter_mm(dataset: Dataset) -> float | None:
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    value: Any = dataset.get("ReconstructionDiameter")
    for item in shared.get("CTReconstructionSequence") or ():
        value = value or item.get("ReconstructionDiameter")
    try:
        return float(value or 0) or None
    except (TypeError, ValueError):
        return None


def _parts(dataset: Dataset, series: Series) -> Finding | None:
    """Return a finding if files of a concatenation are missing (PS3.3 C.7.6.16.2.2.4)."""
    total = int(dataset.get("InConcatenationTotalNumber") or 0)
    here = len({each.path for each in series.stack.slices})
    if here >= total:
        return None
    message = f"Only {here} of {total} parts of a multi-frame image are here; the scan is incomplete: copy them all."
    return Finding("missing-slices", message)
