"""Slicer's DICOM database and its module DICOMLib, as far as the module speaks to them.

Stands for CTK's Libs/DICOM/Core/ctkDICOMDatabase.h (`slicer.dicomDatabase`) and for Slicer's
Modules/Scripted/DICOMLib/DICOMUtils.py.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pydicom


class ctkDICOMDatabase:
    """Knows the files that were imported, by series."""

    def __init__(self) -> None:
        self.isOpen = True
        self._series: dict[str, str] = {}

    def add(self, path: str) -> None:
        """Index a file; what is no DICOM is passed by."""
        try:
            self._series[path] = str(pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID)
        except (pydicom.errors.InvalidDicomError, AttributeError):
            return

    def seriesForFile(self, path: str) -> str:
        """Return the series of a file; an empty text for an unknown one."""
        return self._series.get(path, "")

    def files(self) -> list[str]:
        """Return all that was imported; for tests."""
        return list(self._series)

    def filesForSeries(self, uid: str) -> tuple[str, ...]:
        """Return the files of a series."""
        return tuple(path for path, each in self._series.items() if each == uid)

    def fileValue(self, path: str, tag: str) -> str:
        """Return the value of a tag such as ``0008,0060``."""
        group, element = (int(each, 16) for each in tag.split(","))
        found = pydicom.dcmread(path, stop_before_pixels=True).get((group, element))
        return "" if found is None else str(found.value)

    def fileForInstance(self, uid: str) -> str:
        """Return the file of an image; an empty text for an unknown one."""
        for path in self._series:
            if pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID == uid:
                return path
        return ""


@contextmanager
def installed() -> Iterator[ctkDICOMDatabase]:
    """Give the application a database, and let ``from DICOMLib import DICOMUtils`` find the stand-in."""
    import slicer

    from LungUNetSegLib.io import read_dicom
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    database = ctkDICOMDatabase()

    copies = tempfile.TemporaryDirectory()

    def import_dicom(folder: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
        for path in Path(folder).rglob("*"):
            if path.is_file():
                database.add(str(shutil.copy(path, copies.name) if copyFiles else path))
        return True

    def load(uids: list[str]) -> list[str]:
        folders = {Path(path).parent for uid in uids for path in database.filesForSeries(uid)}
        return [add_volume_node(read_dicom(folder).volume, folder.name).GetID() for folder in folders]

    utils: Any = ModuleType("DICOMUtils")
    utils.importDicom, utils.loadSeriesByUID = import_dicom, load
    utils.seriesUIDsForFiles = lambda files: {database.seriesForFile(each) for each in files} - {""}
    library: Any = ModuleType("DICOMLib")
    library.DICOMUtils = utils
    sys.modules["DICOMLib"] = library
    slicer.dicomDatabase = database
    try:
        yield database
    finally:
        del slicer.dicomDatabase, sys.modules["DICOMLib"]
        copies.cleanup()
