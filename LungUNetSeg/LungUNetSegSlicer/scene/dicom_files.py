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
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None or not database.isOpen:
        return
    files = []
    for index, uid in enumerate(uids):
        files.append(database.fileForInstance(uid))
        if index % LOOKUPS_AT_ONCE == 0:
            yield
    path.write_text(json.dumps([file for file in files if file]), encoding="utf-8")
