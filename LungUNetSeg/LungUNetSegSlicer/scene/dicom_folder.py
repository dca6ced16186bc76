"""Loads the largest CT of a DICOM folder with Slicer's own database and readers."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import ReadError

MODALITY = "0008,0060"


def load_largest_ct(folder: Path) -> tuple[vtkMRMLScalarVolumeNode, int]:
    """Import a folder into Slicer's DICOM database, and load the CT series with most images.

    Returns:
        The volume, and the number of other CT series in the folder, which Slicer's module DICOM can load.

    Raises:
        ReadError: The folder holds no CT, or Slicer cannot load it.
    """
    from DICOMLib import DICOMUtils

    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        raise ReadError(_("Slicer's DICOM database is not open. Open the module DICOM once, and try again."))
    if not folder.is_dir():
        raise ReadError(_("There is no folder {folder}.").format(folder=folder))
    DICOMUtils.importDicom(str(folder))
    files = [str(path) for path in folder.rglob("*") if path.is_file()]
    series = {uid: database.filesForSeries(uid) for uid in sorted(DICOMUtils.seriesUIDsForFiles(files))}
    cts = {uid: each for uid, each in series.items() if each and database.fileValue(each[0], MODALITY) == "CT"}
    if not cts:
        raise ReadError(
            _("{folder} holds no CT in DICOM files. Choose the folder of a chest CT.").format(folder=folder)
        )
    largest = max(cts, key=lambda uid: len(cts[uid]))
    nodes = [slicer.mrmlScene.GetNodeByID(each) for each in DICOMUtils.loadSeriesByUID([largest])]
    volumes = [node for node in nodes if node is not None and node.GetClassName() == "vtkMRMLScalarVolumeNode"]
    if not volumes:
        raise ReadError(
            _("Slicer could not load the CT in {folder}; the module DICOM shows why.").format(folder=folder)
        )
    return volumes[0], len(cts) - 1
