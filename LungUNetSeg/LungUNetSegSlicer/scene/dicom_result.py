"""Writes a segmentation as a DICOM SEG beside its CT, into Slicer's DICOM database."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, LungResult, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry
from LungUNetSegSlicer.scene.dicom_files import files_of_volume
from LungUNetSegSlicer.scene.segmentation_node import labels_on

_OFF_VOXELS = 0.05
"""How far an image's corners may lie from the volume's voxels; Slicer rounds places to a few thousandths of a mm."""


def save_as_dicom(segmentation: vtkMRMLSegmentationNode, model: Mapping[str, str]) -> tuple[str, tuple[Finding, ...]]:
    """Add the lungs, as they are in the scene, to the CT's study in Slicer's DICOM database; no network is needed.

    Args:
        segmentation: Made by this module, of a CT that Slicer loaded from its database.
        model: Name and SHA-256 of the network, of the result.

    Returns:
        The new series' description, and what the object cannot say.

    Raises:
        ReadError: The CT does not come from DICOM, its images are gone, or it does not lie where they do.
        WriteError: DICOM cannot rightly say it; says why.
        MissingDependencyError: highdicom is not installed.
    """
    from DICOMLib import DICOMUtils

    volume = segmentation.GetNodeReference(vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole())
    if volume is None:
        raise ReadError(_("The CT of this segmentation is no longer in the scene."))
    scan = _scan_of(volume)
    has_sides = any(segmentation.GetSegmentation().GetSegment(each.segment_id) for each in LUNGS)
    segments = LUNGS if has_sides else BOTH_LUNGS
    labels = labels_on(segmentation, volume, segments)
    _check_place(labels.geometry, scan, volume)
    maker = Maker(model=model["name"], sha256=model["sha256"])
    result = LungResult(labels=labels, segments=segments)
    objects, findings = make_objects(["dicom-seg"], result, read_source(scan), maker, DicomOptions())
    with tempfile.TemporaryDirectory(prefix="LungUNetSeg-") as folder:
        write_object(objects["dicom-seg"], Path(folder) / "lungs.dcm")
        DICOMUtils.importDicom(folder, copyFiles=True)
    return str(objects["dicom-seg"].SeriesDescription), findings


def _scan_of(volume: vtkMRMLScalarVolumeNode) -> Scan:
    files = [path for batch in files_of_volume(volume) for path in batch]
    if not files:
        raise ReadError(
            _(
                "{name} was not loaded from Slicer's DICOM database, so no DICOM object can refer to its images. Load "
                "the CT with the module DICOM, and segment it again."
            ).format(name=volume.GetName())
        )
    return read_scan(files)


def _check_place(grid: Geometry, scan: Scan, volume: vtkMRMLScalarVolumeNode) -> None:
    """Raise ReadError unless each image's first pixel lies on one of the volume's voxels; of tilted CTs it does not."""
    index = grid.to_index(np.array([each.position for each in scan.slices]))
    is_inside = (index > -0.5).all() and (index < np.array(grid.shape) - 0.5).all()
    if not is_inside or float(np.abs(index - np.rint(index)).max()) > _OFF_VOXELS:
        raise ReadError(
            _(
                "{name} does not lie where its images do (a tilted or uneven CT, or one that was moved). Write it with "
                "`lungunetseg segment -o lungs.dcm`, which knows its slices."
            ).format(name=volume.GetName())
        )
