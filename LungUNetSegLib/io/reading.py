"""Reads scans of all formats: DICOM folders and files, NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.read import read_dicom
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.io.images.read import read_image
from LungUNetSegLib.io.scan import Scan, ScanInput


def read_scan(source: ScanInput, series_uid: str | None = None) -> Scan:
    """Return the CT in a DICOM folder, a DICOM file, a list of DICOM files, or an image file.

    Args:
        source: A folder is searched at any depth, whatever its files are called.
        series_uid: One of `list_series`; without it the best candidate for an axial chest CT is taken and named
            in a finding if there are several.

    Raises:
        ReadError: There is no CT, or it cannot be read reliably; the message says why and what to do.
    """
    if not isinstance(source, (str, PathLike)):
        return read_dicom(source, series_uid)
    path = Path(source)
    if is_dicom(path):
        return read_dicom(path, series_uid)
    if series_uid is not None:
        raise ReadError(f"{path}: an image file has no series; leave out the series UID.")
    return read_image(path)


def is_dicom(path: Path) -> bool:
    """Whether `read_scan` treats this path as DICOM: a folder, or a file without the ending of an image file."""
    return path.is_dir() or image_ending(path) is None
