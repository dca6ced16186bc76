"""The panel's list of doubtful slices: a click, or "Next doubtful slice", moves the slice views there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer
from slicer import vtkMRMLSegmentationNode, vtkMRMLSliceNode

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.texts import number_text
from LungUNetSegLib.volume.geometry import slice_number
from LungUNetSegSlicer.panel.tables import fill_table, set_up_table
from LungUNetSegSlicer.panel.texts import reason_text, segment_names
from LungUNetSegSlicer.scene.lung_masks import middle_ras
from LungUNetSegSlicer.scene.lung_segments import lung_segments
from LungUNetSegSlicer.scene.network_mask import at_height

_LABELS = {"right": RIGHT_LUNG, "left": LEFT_LUNG}


class DoubtfulView:
    """The list of doubtful slices.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._segmentation: vtkMRMLSegmentationNode | None = None
        self._slices: list[dict[str, Any]] = []
        self._place = -1
        set_up_table(ui.doubtfulTable, narrow=(0, 1, 2))
        ui.doubtfulTable.connect("cellClicked(int,int)", self._choose)
        ui.nextDoubtfulButton.connect("clicked()", self._next)

    def show(self, segmentation: vtkMRMLSegmentationNode | None, result: Mapping[str, Any] | None) -> None:
        """List a result's doubtful slices; results of older versions have none."""
        slices = list((result or {}).get("doubtful_slices", ()))
        if segmentation is not self._segmentation or slices != self._slices:
            self._place = -1
        self._segmentation, self._slices = segmentation, slices
        names = segment_names()
        rows = [
            (
                str(slice_number(each["slice"])),
                number_text(each["height_mm"]),
                names[each["lung"]],
                reason_text(each["reason"]),
            )
            for each in slices
        ]
        fill_table(self._ui.doubtfulTable, rows, words=(2, 3))
        for widget in (self._ui.doubtfulTable, self._ui.nextDoubtfulButton):
            widget.visible = bool(slices)

    def _next(self) -> None:
        if self._slices:
            self._show((self._place + 1) % len(self._slices))

    def _choose(self, row: int, _column: int) -> None:
        self._show(row)

    def _show(self, place: int) -> None:
        self._place = place
        self._ui.doubtfulTable.selectRow(place)
        if self._segmentation is not None:
            point = position_ras(self._segmentation, self._slices[place])
            vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *point, vtkMRMLSliceNode.OffsetJumpSlice)


def position_ras(segmentation: vtkMRMLSegmentationNode, doubtful: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return the point to look at, in RAS mm of the scene: the middle of the lung, at the height of a slice."""
    wanted = _LABELS.get(doubtful["lung"])
    keys = [key for key, label in lung_segments(segmentation).items() if wanted is None or label == wanted]
    middle, world = middle_ras(segmentation, keys) or (0.0, 0.0, 0.0), [0.0, 0.0, 0.0]
    segmentation.TransformPointToWorld(at_height(segmentation, middle, float(doubtful["height_mm"])), world)
    return world[0], world[1], world[2]
