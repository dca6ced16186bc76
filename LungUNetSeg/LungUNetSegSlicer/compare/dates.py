"""Compares the lungs of two CTs of the scene: changes, the first aligned to the second, change of density, report."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSliceLogic
from slicer.i18n import tr as _

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
from LungUNetSegSlicer.compare.date_views import date_views
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
from LungUNetSegSlicer.scene.volume_bridge import volume_steps

CHANGE_COLOURS = ColourMap(
    name="Change of density",
    points=((-FULL_HU, BLUE), (0.0, WHITE), (FULL_HU, RED)),
    unit="HU",
    number_format="%+.0f",
)
"""Blue where less dense at the second date, red where denser, as on the report."""

LARGEST_HU = 10_000.0
"""No change of density is greater."""


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
