"""Lists the DICOM files that a volume was loaded from, since the volume no longer shows gaps, tilt and duplicates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode

LOOKUPS_AT_ONCE = 50
"""Queries to Slicer's DICOM database between two runs of the event loop; each takes well under a millisecond."""


def write_dicom_files(node: vtkMRMLScalarVolumeNode, path: Path) -> Iterator[None]:
    """Write the paths of a volume's DICOM files as a JSON list; no file is written for other volumes.

    Yields:
        After some of them.
    """
    files: list[str] = []
    is_from_dicom = False
    for batch in files_of_volume(node):
        is_from_dicom = True
        files += batch
        yield
    if is_from_dicom:
        path.write_text(json.dumps(files), encoding="utf-8")


def files_of_volume(node: vtkMRMLScalarVolumeNode) -> Iterator[list[str]]:
    """Yield the DICOM files of a volume's images that the database knows, some at a time; nothing for other volumes."""
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None or not database.isOpen:
        return
    for start in range(0, len(uids), LOOKUPS_AT_ONCE):
        found = [database.fileForInstance(uid) for uid in uids[start : start + LOOKUPS_AT_ONCE]]
        yield [file for file in found if file]
