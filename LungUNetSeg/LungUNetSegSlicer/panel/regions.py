"""Draws the regions of a segmentation's lungs in the scene: thirds, halves, or core and peel."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import slicer
from slicer import vtkMRMLSegmentationNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.measures.region_map import region_map
from LungUNetSegLib.measures.regions import DEPTHS, HALVES, REGIONS
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.texts import number_text
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.compare.lung_sides import Side, known_sides, lung_labels
from LungUNetSegSlicer.compare.sources import open_source
from LungUNetSegSlicer.panel.tables import fill_table, set_headers, set_up_table
from LungUNetSegSlicer.panel.texts import segment_names
from LungUNetSegSlicer.panel.work import Work
from LungUNetSegSlicer.scene.segmentation_node import add_labels, companion

ROLE = "LungUNetSeg.Regions"
"""Role of the node reference from a segmentation to its regions."""


def division_names() -> dict[str, str]:
    """Return the display names of the ways to divide a lung."""
    return {
        "thirds-by-height": _("Thirds by height"),
        "thirds-by-volume": _("Thirds by volume"),
        "halves": _("Front and back"),
        "depths": _("Core and peel"),
    }


def region_names() -> dict[str, str]:
    """Return the display names of the parts of a lung, as a result has them."""
    return {
        "apical_third_by_height": _("apical third by height"),
        "middle_third_by_height": _("middle third by height"),
        "basal_third_by_height": _("basal third by height"),
        "apical_third_by_volume": _("apical third by volume"),
        "middle_third_by_volume": _("middle third by volume"),
        "basal_third_by_volume": _("basal third by volume"),
        "ventral": _("ventral half"),
        "dorsal": _("dorsal half"),
        "core": _("core"),
        "peel": _("peel"),
    }


_PARTS = {
    "thirds-by-height": tuple(name for name in REGIONS if name.endswith("by_height")),
    "thirds-by-volume": tuple(name for name in REGIONS if name.endswith("by_volume")),
    "halves": HALVES,
    "depths": DEPTHS,
}


def parts_with_numbers(
    result: Mapping[str, Any], parts: Sequence[str] = REGIONS
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the name and the numbers of each part of each lung that was measured; none in results of older versions.

    Args:
        result: From `kept_result.recall`.
        parts: Those to return.
    """
    names, lungs, regions = region_names(), segment_names(), result.get("regions") or {}
    return [
        (f"{lungs[lung]}, {names[part]}", regions[lung][part])
        for lung in lungs
        for part in parts
        if regions.get(lung) and regions[lung].get(part)
    ]


def region_steps(
    segmentation: vtkMRMLSegmentationNode, division: str
) -> Generator[None, None, vtkMRMLSegmentationNode]:
    """Draw the regions of a segmentation's lungs, as they are now, in steps; the scene changes only at the end.

    Raises:
        LungUNetSegError: The segmentation is empty, has no segment that is a lung, or lies under a bent transform.
    """
    source = open_source(segmentation, "segmentation")
    yield
    sides = known_sides(source.structures)
    if not sides:
        text = _("The segmentation {name} has no segment that is a lung by its name or terminology.")
        raise DataError(text.format(name=source.name))
    labels = lung_labels(source, sides)
    lungs = BOTH_LUNGS if Side.BOTH in sides.values() else LUNGS
    drawn, parts = yield from in_background(lambda: region_map(labels, lungs, division))
    if not slicer.mrmlScene.IsNodePresent(segmentation):
        raise DataError(_("The segmentation {name} was removed meanwhile.").format(name=source.name))
    node = companion(segmentation, ROLE, "vtkMRMLSegmentationNode", "regions")
    node.GetSegmentation().RemoveAllSegments()
    add_labels(drawn, parts, node)
    node.CreateDefaultDisplayNodes()
    return node


class RegionsView:
    """The panel's choice of regions, and the button that draws them.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._work = Work(self._end)
        self._segmentation: vtkMRMLSegmentationNode | None = None
        self._result: Mapping[str, Any] | None = None
        self._divisions = list(division_names())
        ui.regionsTable.setColumnCount(4)
        set_up_table(ui.regionsTable, narrow=(1, 2, 3))
        set_headers(ui.regionsTable, [_("Region"), _("Volume (ml)"), _("Mean (HU)"), _("LAA-950 (%)")])
        for name in division_names().values():
            ui.regionsComboBox.addItem(name)
        ui.regionsButton.connect("clicked()", self._click)
        ui.regionsComboBox.connect("currentIndexChanged(int)", self._show_numbers)

    @property
    def running(self) -> bool:
        """Whether regions are being drawn."""
        return self._work.running

    def show(self, segmentation: vtkMRMLSegmentationNode | None, result: Mapping[str, Any] | None) -> None:
        """Draw regions of this segmentation from now on, and show their numbers."""
        if segmentation is not self._segmentation:
            self._end("")
        self._segmentation, self._result = segmentation, result
        self._show_numbers()

    def _show_numbers(self, *_args: Any) -> None:
        """Show the numbers of the chosen parts of each lung."""
        parts = _PARTS[self._divisions[self._ui.regionsComboBox.currentIndex]]
        found = parts_with_numbers(self._result, parts) if self._result else []
        rows = [
            (name, number_text(each["volume_ml"]), number_text(each["mean_hu"]), f"{each['laa950_percent']:.1f}")
            for name, each in found
        ]
        fill_table(self._ui.regionsTable, rows)
        self._ui.regionsTable.visible = bool(rows)

    def _click(self) -> None:
        if self._segmentation is None or self.running:
            return
        self._ui.regionsButton.enabled = False
        division = self._divisions[self._ui.regionsComboBox.currentIndex]
        self._work.start(region_steps(self._segmentation, division), self._finish)

    def _finish(self, node: vtkMRMLSegmentationNode) -> None:
        self._end(_("Added to the scene: {name}.").format(name=node.GetName()))

    def _end(self, text: str) -> None:
        self._work.stop()
        self._ui.regionsButton.enabled = True
        self._ui.resultsNoteLabel.text = text
        self._ui.resultsNoteLabel.visible = bool(text)
