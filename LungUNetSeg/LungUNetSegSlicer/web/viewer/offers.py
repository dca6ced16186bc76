"""Finds the scans in what a user gave, says which one is proposed and why, and what is known about each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydicom.valuerep import DSdecimal, DSfloat

from LungUNetSegLib.io import Scan, list_series
from LungUNetSegLib.io.dicom.files import existing_files, read_dataset
from LungUNetSegLib.io.dicom.headers import read_headers
from LungUNetSegLib.io.dicom.kinds import UNREADABLE
from LungUNetSegLib.io.dicom.series import THORAX_MM, Series, group_series, of_same_uid
from LungUNetSegLib.io.dicom.stack import is_even
from LungUNetSegLib.io.endings import image_ending, is_hidden

MOST_OFFERS = 200
"""The page lists at most this many."""

_PATIENT = (("PatientName", "Name"), ("PatientID", "Patient ID"), ("PatientBirthDate", "Date of birth"))
_HEADER = (
    ("StudyDescription", "Study"),
    ("SeriesDescription", "Series"),
    ("StudyDate", "Date"),
    ("BodyPartExamined", "Body part"),
    ("Manufacturer", "Manufacturer"),
    ("ManufacturerModelName", "Scanner"),
    ("ConvolutionKernel", "Kernel"),
    ("KVP", "Tube voltage, kV"),
    ("SliceThickness", "Slice thickness, mm"),
)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A scan that can be opened.

    Attributes:
        title: For people.
        detail: Its size.
        reason: Why it is proposed, or why it is not.
        files: What `read_scan` reads.
        series_uid: Which of the files' series.
        first: Its first slice's file.
    """

    title: str
    detail: str
    reason: str
    files: tuple[Path, ...]
    series_uid: str | None
    first: Path


def offers_in(source: Path) -> list[Offer]:
    """Return the scans in a folder, the proposed one first; no pixel is read.

    Raises:
        ReadError: There is none; says what there is instead.
    """
    files = [each for each in existing_files(source) if each.is_file() and not is_hidden(each)]
    images = [each for each in files if image_ending(each)]
    slices, others = read_headers([each for each in files if not image_ending(each)])
    series = group_series(slices) if slices else []
    lost = [path for kind in UNREADABLE for path in others.get(kind, ())]
    offers = [_of_series(each, series, lost) for each in series]
    offers += [_of_image(each, is_only=len(images) == 1 and not series) for each in images]
    if not offers:
        list_series(source)  # says what was found instead
    return _told_apart(offers, source)


def _told_apart(offers: Sequence[Offer], source: Path) -> list[Offer]:
    """Return the offers, and where each lies if another one has the same title."""
    titles = Counter(each.title for each in offers)
    return [each if titles[each.title] == 1 else _with_place(each, source) for each in offers]


def _with_place(offer: Offer, source: Path) -> Offer:
    first = offer.first
    if offer.series_uid is None:
        return replace(offer, title=str(first.relative_to(source)))
    header = read_dataset(first, stop_before_pixels=True, specific_tags=["SeriesNumber", "StudyDate"]) or {}
    where = [
        f"series {number}" if (number := header.get("SeriesNumber")) else "",
        date_text(str(header.get("StudyDate") or "")),
        f"in {first.parent.relative_to(source)}" if first.parent != source else "",
    ]
    return replace(offer, detail=", ".join([offer.detail, *filter(None, where)]))


def _of_series(series: Series, all_series: Sequence[Series], lost: Sequence[Path]) -> Offer:
    """Return a series with the files that may be lost slices of it, which the reader then names."""
    first, count = series.stack.slices[0], len(series.stack.slices)
    detail = f"{count} slices of {first.columns} × {first.rows} pixels, {series.spacing_mm:.3g} mm apart"
    return Offer(
        title=series.title,
        detail=detail,
        reason=_reason(series, all_series),
        files=(*_files(of_same_uid(series, all_series)), *lost),
        series_uid=series.uid,
        first=first.path,
    )


def _files(series: Sequence[Series]) -> tuple[Path, ...]:
    """Return the files of some series, those of copies last: of equal images the reader keeps the first."""
    own = {header.path for each in series for header in each.slices}
    copies = {pair.copy.path for each in series for pair in each.copies}
    return (*sorted(own), *sorted(copies - own))


def _reason(series: Series, all_series: Sequence[Series]) -> str:
    """Say in words what `series.merit` says in numbers."""
    best = all_series[0]
    if series is best:
        if len(all_series) == 1:
            return "The only CT series here."
        good = ["axial" if series.is_axial else "", "" if series.is_reformatted else "made by the scanner itself"]
        good += ["named after the chest" if series.region > 0 else "", f"{len(series.stack.slices)} slices"]
        return f"Proposed: {', '.join(each for each in good if each)}."
    if best.is_axial and not series.is_axial:
        return "Not axial."
    if series.is_reformatted and not best.is_reformatted:
        return "Computed from another series."
    if series.region < best.region:
        return "Named after another part of the body." if series.region < 0 else "Not named after the chest."
    length, longest = (min(float(each.stack.positions_mm[-1]), THORAX_MM) for each in (series, best))
    if round(length / 50) < round(longest / 50):
        return f"Covers only {float(series.stack.positions_mm[-1]):.0f} mm."
    if is_even(best.stack.positions_mm) and not is_even(series.stack.positions_mm):
        return "Its slices are not evenly spaced."
    if series.is_expiration and not best.is_expiration:
        return "Made at expiration, which makes the lungs smaller and denser."
    if len(series.stack.slices) < len(best.stack.slices):
        return "Fewer slices."
    if series.is_sharp and not best.is_sharp:
        return "Reconstructed with a sharp kernel, which distorts density."
    return "As good as the first one; that has the lower series number."


def _of_image(path: Path, *, is_only: bool) -> Offer:
    size = path.stat().st_size / 1e6
    reason = "The only scan here." if is_only else "An image file."
    return Offer(title=path.name, detail=f"{size:.1f} MB", reason=reason, files=(path,), series_uid=None, first=path)


def date_text(value: str) -> str:
    """Return a DICOM date (PS3.5 table 6.2-1, YYYYMMDD) with hyphens; what is none as it is."""
    return re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", value)


def _plain(value: Any) -> str:
    """Return a header's value for people: a date with hyphens, a number without zeros at its end."""
    if isinstance(value, (DSfloat, DSdecimal)):
        return f"{value:g}"
    return date_text(str(value or "").strip())


def facts(scan: Scan) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return what is known about a scan, and apart from that what names the patient: pairs of title and value."""
    spacing = " × ".join(f"{each:.3g}" for each in scan.volume.geometry.spacing_mm)
    size = " × ".join(map(str, scan.volume.array.shape))
    known = [("Voxels", size), ("Voxel size, mm", spacing)]
    if not scan.slices:
        return known, []
    header = read_dataset(scan.slices[0].path, stop_before_pixels=True) or {}
    named, patient = (
        [(title, text) for key, title in pairs if (text := _plain(header.get(key)))] for pairs in (_HEADER, _PATIENT)
    )
    return known + named, patient
