"""Reads and writes scans and label maps."""

from LungUNetSegLib.io.dicom.read import SeriesSummary, dicom_to_numpy, list_series, read_dicom
from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.io.images.read import read_image
from LungUNetSegLib.io.images.write import write_image
from LungUNetSegLib.io.masks.read import read_labels
from LungUNetSegLib.io.masks.write import check_writable, write_labels
from LungUNetSegLib.io.reading import read_scan
from LungUNetSegLib.io.scan import Scan

__all__ = [
    "Scan",
    "SeriesSummary",
    "check_writable",
    "dicom_to_numpy",
    "list_series",
    "read_dicom",
    "read_image",
    "read_labels",
    "read_scan",
    "write_dicom_series",
    "write_image",
    "write_labels",
]
