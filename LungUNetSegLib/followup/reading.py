"""Reads one of the two scans: HU, patient, date and acquisition."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

from LungUNetSegLib.followup.scans import DatedScan
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.masks.read import LoadedMask
from LungUNetSegLib.measures import acquisition_of

DATE_TAGS = ("AcquisitionDate", "SeriesDate", "StudyDate")
"""The first of these that is present is used; the study may have begun a day before the acquisition."""


def read_dated(
    source: Path, lungs_of: Callable[[Scan], LoadedMask], name: str, series_uid: str | None = None
) -> DatedScan:
    """Read a scan with its lungs.

    Args:
        source: A DICOM folder or file, or an image file.
        lungs_of: Returns the scan's label map, with findings: reads it, or segments the scan.
        name: Display name of the scan.
        series_uid: UID of the series, if there are several.

    Raises:
        ReadError: The scan cannot be read.
    """
    scan = read_scan(source, series_uid)
    lungs = lungs_of(scan)
    return DatedScan(
        name=name,
        ct=scan.volume,
        labels=lungs.labels,
        acquisition=acquisition_of(scan.slices),
        patient=scan.slices[0].patient if scan.slices else "",
        date=date_of(scan.slices),
        series_uid=scan.series_uid,
        findings=scan.findings + lungs.findings,
    )


def date_of(slices: Sequence[SliceHeader]) -> datetime.date | None:
    """Return the date in the header of a scan's slices; None without slices, or if it is missing or invalid."""
    if not slices:
        return None
    dataset = read_dataset(slices[0].path, stop_before_pixels=True, specific_tags=list(DATE_TAGS))
    text = next((str(dataset.get(tag)) for tag in DATE_TAGS if dataset is not None and dataset.get(tag)), "")
    try:
        return datetime.datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None
