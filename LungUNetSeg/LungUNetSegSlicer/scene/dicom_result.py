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
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult, Origin
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.segmentation.correction import changes_of, has_sides
from LungUNetSegLib.segments import NAMED_LABELS
from LungUNetSegLib.volume import Geometry
from LungUNetSegSlicer.background import finish
from LungUNetSegSlicer.scene.dicom_files import files_of_volume
from LungUNetSegSlicer.scene.kept_result import recall_network
from LungUNetSegSlicer.scene.lung_masks import LungMasks, ct_of, lung_mask_steps
from LungUNetSegSlicer.scene.network_mask import network_mask

_OFF_VOXELS = 0.05
"""How far an image's corners may lie from the volume's voxels; Slicer rounds places to a few thousandths of a mm."""


def save_as_dicom(segmentation: vtkMRMLSegmentationNode, model: Mapping[str, str]) -> tuple[str, tuple[Finding, ...]]:
    """Add the lungs, as they are in the scene, to the CT's study in Slicer's DICOM database; no network is needed.

    Args:
        segmentation: Made by this module, of a CT that Slicer loaded from its database.
        model: Name and SHA-256 of the network, of the result.

    Returns:
        The new series' description, and findings on what the object does not hold.

    Raises:
        ReadError: The CT does not come from DICOM, its images are gone, or it does not lie where they do.
        DataError: No segment is a lung, or the CT is no longer in the scene.
        WriteError: The lungs cannot be represented in DICOM; the message says why.
        MissingDependencyError: highdicom is not installed.
    """
    from DICOMLib import DICOMUtils

    volume = ct_of(segmentation)
    scan = _scan_of(volume)
    masks = finish(lung_mask_steps(segmentation, volume))
    _check_place(masks.labels.geometry, scan, volume)
    maker = Maker(model=model["name"], sha256=model["sha256"])
    result = LungResult(labels=masks.labels, segments=masks.segments, origins=_origins(segmentation, masks))
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


def _origins(segmentation: vtkMRMLSegmentationNode, masks: LungMasks) -> dict[int, Origin]:
    """Return how each label was made, of those that are not the network's own; not known means corrected."""
    own, result = network_mask(segmentation), recall_network(segmentation)
    labels = NAMED_LABELS[masks.kind]
    had_sides = result is not None and has_sides(result)
    if own is None or had_sides != (masks.kind == "lr"):
        return dict.fromkeys(labels.values(), "SEMIAUTOMATIC")
    changes = changes_of(own.labels(), masks.labels, masks.kind)
    changed = {label: changes[name] for name, label in labels.items() if changes[name]["slices"] is not None}
    return {label: "MANUAL" if each["is_new"] else "SEMIAUTOMATIC" for label, each in changed.items()}


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
