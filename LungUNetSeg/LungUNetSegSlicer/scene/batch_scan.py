"""Loads a scan of a batch with its lungs into the scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _

from LungUNetSegLib.batch.reading import read_scan_of
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.segmentation.correction import has_sides
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node, show_lung_window, volume_from_node


def show_batch_scan(
    folder: Path, report: Mapping[str, Any], title: str, volume_node: vtkMRMLScalarVolumeNode | None = None
) -> tuple[vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode]:
    """Load a scan of a batch with its lungs.

    Args:
        folder: The batch's folder of results.
        report: Of the scan.
        title: What the volume is called in the scene.
        volume_node: The scan, if it is one of the scene.

    Returns:
        The volume and the segmentation.

    Raises:
        ReadError: The scan or its labels are no longer there, or have changed.
    """
    name = report["name"]
    labels_path = Store(folder).scans / name / report["outputs"][0]
    slice_places = None
    if volume_node is None:
        found = read_scan_of(folder, name)
        scan, slice_places = found.volume, found.slice_places
    else:
        scan = volume_from_node(volume_node)[0]
    is_label_map = image_ending(labels_path) is not None
    labels = read_labels(labels_path, None if is_label_map else scan.geometry, slice_places=slice_places)
    if not labels.geometry.matches(scan.geometry):
        raise ReadError(
            _("The scan {title} is no longer the one that was segmented. Run the batch again.").format(title=title)
        )
    if volume_node is None:
        volume_node = add_volume_node(scan, title)
        show_lung_window(volume_node)
    segments = LUNGS if has_sides(report) else BOTH_LUNGS
    return volume_node, show_labels(labels, segments, volume_node)
