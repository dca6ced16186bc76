"""Compares the lungs of two CTs of the scene, and shows the first on the second side by side in linked slices."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSliceLogic, vtkMRMLSliceNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.followup.alignment import bring
from LungUNetSegLib.followup.compared import Followup, compare_dates, deformed, record
from LungUNetSegLib.followup.page import write_dates_page
from LungUNetSegLib.followup.pictures import FULL_HU, draw_dates
from LungUNetSegLib.followup.reading import date_of
from LungUNetSegLib.followup.scans import DatedScan
from LungUNetSegLib.io.dicom.headers import read_headers
from LungUNetSegLib.measures import acquisition_of
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.compare.layout import layout_node, view_node
from LungUNetSegSlicer.scene.colour_maps import (
    BLUE,
    RED,
    WHITE,
    ColourMap,
    Overlay,
    add_legend,
    coloured_volume_steps,
    remove_coloured,
)
from LungUNetSegSlicer.scene.dicom_files import files_of_volume
from LungUNetSegSlicer.scene.lung_masks import ct_of, lung_mask_steps
from LungUNetSegSlicer.scene.volume_bridge import LUNG_WINDOW_HU, add_volume_steps, show_lung_window, volume_steps

LAYOUT_ID = 7462
"""Any number that no other layout has; Slicer's own are below 1000."""

FIRST, SECOND = "LungUNetSegFirstDate", "LungUNetSegSecondDate"
"""Singleton tags of the views."""

CHANGE_COLOURS = ColourMap(
    name="Change of density",
    points=((-FULL_HU, BLUE), (0.0, WHITE), (FULL_HU, RED)),
    unit="HU",
    number_format="%+.0f",
)
"""Blue where less dense at the second date, red where denser, as on the report."""

LARGEST_HU = 10_000.0
"""No change of density is greater."""

_VIEW_GROUP = 7462
"""Slices are linked within their group, and the user's own views are in another."""


@dataclass(frozen=True, eq=False)
class _Scene:
    """The data of one date, copied from the scene before the comparison begins."""

    name: str
    ct: Volume
    labels: Volume
    files: list[Path]
    findings: tuple[Finding, ...]


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


def side_by_side_steps(
    aligned: Volume, second: vtkMRMLSegmentationNode, name: str
) -> Generator[None, None, vtkMRMLScalarVolumeNode]:
    """Add the aligned first CT to the scene, and show it beside the second one in linked slices.

    Args:
        aligned: From `dates_steps`.
        second: The later segmentation.
        name: Of the new volume.

    Raises:
        DataError: The second CT is no longer in the scene.
    """
    width, centre = LUNG_WINDOW_HU
    window = centre - width / 2, centre + width / 2
    node = yield from add_volume_steps(aligned, slicer.mrmlScene.GenerateUniqueName(name), window)
    try:
        volume = ct_of(second)
    except DataError:
        slicer.mrmlScene.RemoveNode(node)
        raise
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    layout, labels = layout_node(), {FIRST: "First date", SECOND: "Second date"}
    if not layout.IsLayoutDescription(LAYOUT_ID):
        views = "".join(_view(tag, label) for tag, label in labels.items())
        layout.AddLayoutDescription(LAYOUT_ID, f'<layout type="horizontal" split="true">{views}</layout>')
    layout.SetViewArrangement(LAYOUT_ID)
    layout.SetSaveWithScene(False)  # a Slicer without this layout would show no view at all
    for view, shown in zip(date_views(), (node, volume), strict=True):
        show_lung_window(shown)
        composite = vtkMRMLSliceLogic.GetSliceCompositeNode(view)
        composite.SetBackgroundVolumeID(shown.GetID())
        composite.SetLinkedControl(True)
        view.RotateToVolumePlane(volume)
        logic = slicer.app.applicationLogic().GetSliceLogic(view)
        if logic is not None:
            logic.FitSliceToBackground()
    return node


def date_views() -> list[vtkMRMLSliceNode]:
    """Return the views of the first and of the second date."""
    return [view_node(tag, "vtkMRMLSliceNode") for tag in (FIRST, SECOND)]


@dataclass(frozen=True, eq=False)
class DensityChange:
    """The change of density over both dates.

    Attributes:
        volume: The change.
        overlay: The views that show it.
    """

    volume: vtkMRMLScalarVolumeNode
    overlay: Overlay

    def remove(self) -> None:
        """Remove it from the scene."""
        self.overlay.remove()
        remove_coloured(self.volume)


def density_change_steps(
    found: Followup, second: vtkMRMLSegmentationNode
) -> Generator[None, None, tuple[Followup, DensityChange]]:
    """Show the local change of density over both dates, in colour; align by a deformation first, if that was not done.

    Args:
        found: From `dates_steps`.
        second: The later segmentation.

    Returns:
        The comparison with its deformation, and what is shown.

    Raises:
        DataError: The second CT is no longer in the scene.
    """
    whole = found
    if whole.density is None:
        whole = yield from in_background(lambda: deformed(found))
    density = whole.density
    assert density is not None
    drawn = yield from in_background(lambda: _clear_outside(density))
    volume = ct_of(second)
    name = _("{name}, change of density").format(name=volume.GetName())
    node = yield from coloured_volume_steps(drawn, name, CHANGE_COLOURS, (-LARGEST_HU, LARGEST_HU))
    node.SetAndObserveTransformNodeID(second.GetTransformNodeID())
    composites = [vtkMRMLSliceLogic.GetSliceCompositeNode(view) for view in date_views() if view is not None]
    overlay = Overlay(node, composites)
    add_legend(node, CHANGE_COLOURS)
    return whole, DensityChange(node, overlay)


def report_steps(found: Followup, path: Path) -> Generator[None, None, None]:
    """Write the report of a comparison as one HTML page, in a thread.

    Raises:
        WriteError: The file cannot be written.
    """
    yield from in_background(lambda: write_dates_page(path, record(found), draw_dates(found)))


def _clear_outside(density: Volume) -> Volume:
    """Return a change of density with a value outside the lungs of both that no change has."""
    return Volume(np.where(density.array == 0, np.float32(-2 * LARGEST_HU), density.array), density.geometry)


def _view(tag: str, label: str) -> str:
    values = {"orientation": "Axial", "viewlabel": label, "viewgroup": _VIEW_GROUP}
    properties = "".join(f'<property name="{name}" action="default">{each}</property>' for name, each in values.items())
    return f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">{properties}</view></item>'


def _copy(segmentation: vtkMRMLSegmentationNode) -> Generator[None, None, _Scene]:
    """Copy a date from the scene, in steps between which the event loop runs."""
    volume = ct_of(segmentation)
    ct, findings = yield from volume_steps(volume)
    masks = yield from lung_mask_steps(segmentation, volume)
    files = [Path(path) for batch in files_of_volume(volume) for path in batch]
    return _Scene(volume.GetName(), ct, masks.labels, files, (*findings, *masks.findings))


def _dated(copy: _Scene) -> DatedScan:
    slices: Any = read_headers([file for file in copy.files if file.is_file()])[0]
    return DatedScan(
        name=copy.name,
        ct=copy.ct,
        labels=copy.labels,
        acquisition=acquisition_of(slices),
        patient=slices[0].patient if slices else "",
        date=date_of(slices),
        findings=copy.findings,
    )
