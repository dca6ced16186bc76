"""Defines what all DICOM objects of this program share: codes, series, dates, and how they are written."""

from __future__ import annotations

import hashlib
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from LungUNetSegLib.files import replacing
from LungUNetSegLib.io.dicom_objects.identity import IMPLEMENTATION_UID, NAME, Identifiers, Maker
from LungUNetSegLib.machine import import_extra
from LungUNetSegLib.segments import LUNGS, Segment

SEG_NUMBER, RTSTRUCT_NUMBER, SR_NUMBER = 9101, 9102, 9103
"""Series numbers, beyond those of scanners."""

LONG_STRING = 64
"""Characters of a value of representation LO (PS3.5 6.2)."""


def highdicom() -> Any:
    """Return the package highdicom.

    Raises:
        MissingDependencyError: It is not installed.
    """
    return import_extra("highdicom", "DICOM results need highdicom", "dicom")


def codes_of(segment: Segment) -> list[tuple[str, str, str]]:
    """Return (scheme, value, meaning) of a segment's category, type and side, from its terminology."""
    entries = [part.split("^") for part in segment.terminology.split("~")[1:4]]
    codes = [(each[0], each[1], each[2]) for each in entries if len(each) == 3 and all(each)]
    if len(codes) == 3:
        return codes
    return codes_of(next(each for each in LUNGS if each.label == segment.label))


def keep_characters(dataset: Dataset, image: Dataset) -> None:
    """Encode an object's texts as its image's, whose patient and study it names: its archive knows that encoding.

    highdicom is not given it, since it refuses Japanese and Korean ones (findings/highdicom_character_sets.sh).
    """
    if image.get("SpecificCharacterSet"):
        dataset.SpecificCharacterSet = image.SpecificCharacterSet


def describe_series(dataset: Dataset, what: str, maker: Maker, identifiers: Identifiers) -> None:
    """Name a new object's series, and set all its dates to one moment."""
    dataset.SeriesDescription = f"{what}, {NAME} {maker.version}, research only"[:LONG_STRING]
    moment = identifiers.moment
    for stem in ("InstanceCreation", "Content", "Series", "StructureSet"):
        for part, pattern in (("Date", "%Y%m%d"), ("Time", "%H%M%S")):
            if stem + part in dataset:
                setattr(dataset, stem + part, moment.strftime(pattern))
    for item in dataset.get("ContributingEquipmentSequence", [])[-1:]:
        if "ContributionDateTime" in item:
            item.ContributionDateTime = moment.strftime("%Y%m%d%H%M%S")


def now() -> datetime:
    """Return the moment, to the second as DICOM's times are written here."""
    return datetime.now().replace(microsecond=0)


def write_object(dataset: Dataset, path: Path) -> None:
    """Write an object; an old file is replaced only by a complete new one.

    The file meta information holds a digest of the rest, by which `is_own_object` knows the file again.

    Raises:
        WriteError: Missing or read-only folder, full disk.
    """
    dataset.file_meta.PrivateInformationCreatorUID = IMPLEMENTATION_UID
    dataset.file_meta.PrivateInformation = _digest(dataset)
    with replacing(path, ".dcm") as draft:
        dcmwrite(draft, dataset, enforce_file_format=True)


def is_own_object(path: Path) -> bool:
    """Whether a file is a DICOM object of this program that nobody changed."""
    try:
        dataset = dcmread(path)
        return bool(
            dataset.file_meta.get("PrivateInformationCreatorUID") == IMPLEMENTATION_UID
            and dataset.file_meta.PrivateInformation.rstrip(b"\0") == _digest(dataset)
        )
    except Exception:  # not DICOM, or damaged: not what was written
        return False


def _digest(dataset: Dataset) -> bytes:
    """SHA-256 of the data set as it is encoded, without the file meta information."""
    syntax = dataset.file_meta.TransferSyntaxUID
    plain = Dataset(dataset)
    buffer = BytesIO()
    implicit = syntax == ImplicitVRLittleEndian
    assert implicit or syntax == ExplicitVRLittleEndian
    dcmwrite(buffer, plain, implicit_vr=implicit, little_endian=True)
    return hashlib.sha256(buffer.getvalue()).hexdigest().encode()
