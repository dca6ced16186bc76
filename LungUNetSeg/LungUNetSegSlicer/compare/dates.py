"""Compares the lungs of two CTs of the scene, and shows the first on the second side by side in linked slices."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSliceLogic

from LungUNetSegLib.followup.alignment import bring
from LungUNetSegLib.followup.compared import Followup, compare_dates
from LungUNetSegLib.followup.reading import date_of
from LungUNetSegLib.followup.scans import DatedScan
from LungUNetSegLib.io.dicom.headers import read_headers
from LungUNetSegLib.measures import acquisition_of
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.compare.layout import layout_node, view_node
from LungUNetSegSlicer.scene.dicom_files import files_of_volume
from LungUNetSegSlicer.scene.lung_masks import ct_of, lung_mask_steps
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node, show_lung_window, volume_from_node

LAYOUT_ID = 7462
"""Any number that no other layout has; Slicer's own are below 1000."""

FIRST, SECOND = "LungUNetSegFirstDate", "LungUNetSegSecondDate"
"""Singleton tags of the views."""

_VIEW_GROUP = 7462
"""Slices are linked within their group, and the user's own views are in another."""


@dataclass(frozen=True, eq=False)
class _Scene:
    """The data of one date, copied from the scene before the comparison begins."""

    name: str
    ct: Volume
    labels: Volume
    files: list[Path]


def dates_steps(
    first: vtkMRMLSegmentationNode, second: vtkMRMLSegmentationNode, *, same_patient: bool = False
) -> Generator[None, None, tuple[Followup, Volume]]:
    """Compare the lungs of two segmentations as they are now, in a thread.

    Args:
        first: The lungs of the earlier scan.
        second: The lungs of the later one.
        same_patient: Whether different patient IDs are known to be of one patient.

    Yields:
        While the comparison runs.

    Returns:
        The comparison, and the first CT on the second one's grid, aligned affinely.

    Raises:
        LungUNetSegError: A CT is missing, or the scans cannot be compared; says why.
    """
    copies = []
    for each in (first, second):
        copies.append((yield from _copy(each)))

    def work() -> tuple[Followup, Volume]:
        found = compare_dates(*(_dated(each) for each in copies), same_patient=same_patient)
        return found, bring(copies[0].ct, copies[1].ct.geometry, found.affine)

    result = yield from in_background(work)
    return result


def show_side_by_side(aligned: Volume, second: vtkMRMLSegmentationNode, name: str) -> vtkMRMLScalarVolumeNode:
    """Add the aligned first CT to the scene, and show it beside the second one in linked slices.

    Args:
        aligned: From `dates_steps`.
        second: The later segmentation.
        name: Of the new volume.
    """
    volume = ct_of(second)
    node = add_volume_node(aligned, slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    layout, labels = layout_node(), {FIRST: "First date", SECOND: "Second date"}
    if not layout.IsLayoutDescription(LAYOUT_ID):
        views = "".join(_view(tag, label) for tag, label in labels.items())
        layout.AddLayoutDescription(LAYOUT_ID, f'<layout type="horizontal" split="true">{views}</layout>')
    layout.SetViewArrangement(LAYOUT_ID)
    layout.SetSaveWithScene(False)  # a Slicer without this layout would show no view at all
    for tag, shown in ((FIRST, node), (SECOND, volume)):
        show_lung_window(shown)
        view = view_node(tag, "vtkMRMLSliceNode")
        composite = vtkMRMLSliceLogic.GetSliceCompositeNode(view)
        composite.SetBackgroundVolumeID(shown.GetID())
        composite.SetLinkedControl(True)
        view.RotateToVolumePlane(volume)
        logic = slicer.app.applicationLogic().GetSliceLogic(view)
        if logic is not None:
            logic.FitSliceToBackground()
    return node


def _view(tag: str, label: str) -> str:
    values = {"orientation": "Axial", "viewlabel": label, "viewgroup": _VIEW_GROUP}
    properties = "".join(f'<property name="{name}" action="default">{each}</property>' for name, each in values.items())
    return f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">{properties}</view></item>'


def _copy(segmentation: vtkMRMLSegmentationNode) -> Generator[None, None, _Scene]:
    """Copy a date from the scene, in steps between which the event loop runs."""
    volume = ct_of(segmentation)
    ct, _findings = volume_from_node(volume)
    yield
    masks = yield from lung_mask_steps(segmentation, volume)
    files = [Path(path) for batch in files_of_volume(volume) for path in batch]
    return _Scene(volume.GetName(), ct, masks.labels, files)


def _dated(copy: _Scene) -> DatedScan:
    slices: Any = read_headers([file for file in copy.files if file.is_file()])[0]
    return DatedScan(
        name=copy.name,
        ct=copy.ct,
        labels=copy.labels,
        acquisition=acquisition_of(slices),
        patient=slices[0].patient if slices else "",
        date=date_of(slices),
    )
