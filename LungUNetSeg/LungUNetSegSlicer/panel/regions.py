"""Draws the regions of a segmentation's lungs in the scene: thirds, halves, or core and peel."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import slicer
from slicer import vtkMRMLSegmentationNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.measures.region_map import region_map
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.compare.input import open_source
from LungUNetSegSlicer.compare.lung_sides import Side, known_sides, lung_labels
from LungUNetSegSlicer.run.event_loop import Steps
from LungUNetSegSlicer.scene.segmentation_node import add_labels

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
    node = segmentation.GetNodeReference(ROLE)
    if node is None:
        name = f"{segmentation.GetName()} regions"
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        segmentation.SetNodeReferenceID(ROLE, node.GetID())
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
        self._steps: Steps | None = None
        self._segmentation: vtkMRMLSegmentationNode | None = None
        self._divisions = list(division_names())
        for name in division_names().values():
            ui.regionsComboBox.addItem(name)
        ui.regionsButton.connect("clicked()", self._click)

    @property
    def running(self) -> bool:
        """Whether regions are being drawn."""
        return self._steps is not None

    def show(self, segmentation: vtkMRMLSegmentationNode | None) -> None:
        """Draw regions of this segmentation from now on."""
        if segmentation is not self._segmentation:
            self._end("")
        self._segmentation = segmentation

    def _click(self) -> None:
        if self._segmentation is None or self.running:
            return
        self._ui.regionsButton.enabled = False
        division = self._divisions[self._ui.regionsComboBox.currentIndex]
        self._steps = Steps(region_steps(self._segmentation, division), self._finish, self._fail)

    def _finish(self, node: vtkMRMLSegmentationNode) -> None:
        self._end(_("Added to the scene: {name}.").format(name=node.GetName()))

    def _fail(self, error: Exception) -> None:
        self._end(str(error))

    def _end(self, text: str) -> None:
        if self._steps is not None:
            self._steps.stop()
            self._steps = None
        self._ui.regionsButton.enabled = True
        self._ui.resultsNoteLabel.text = text
        self._ui.resultsNoteLabel.visible = bool(text)
