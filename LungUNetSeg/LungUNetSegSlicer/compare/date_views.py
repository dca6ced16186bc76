"""Shows two dates of a patient side by side in linked slices."""

from __future__ import annotations

from collections.abc import Generator

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSliceLogic, vtkMRMLSliceNode

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.compare.own_layout import OwnLayout, WindowState, view_item, view_node, window_of
from LungUNetSegSlicer.scene.lung_masks import ct_of
from LungUNetSegSlicer.scene.volume_bridge import LUNG_WINDOW_HU, add_volume_steps, show_lung_window

LAYOUT_ID = 7462

FIRST, SECOND = "LungUNetSegFirstDate", "LungUNetSegSecondDate"
"""Singleton tags of the views."""

VIEW_GROUP = 7462
"""Slices are linked within their group, and the user's own views are in another."""


_VIEWS = "".join(
    view_item("Slice", tag, {"orientation": "Axial", "viewlabel": label, "viewgroup": VIEW_GROUP})
    for tag, label in ((FIRST, "First date"), (SECOND, "Second date"))
)
LAYOUT = f'<layout type="horizontal" split="true">{_VIEWS}</layout>'


class DateViews:
    """Shows two CTs in their layout, and restores the user's own layout, window and level."""

    def __init__(self) -> None:
        self._layout = OwnLayout(LAYOUT_ID, LAYOUT, self._give_back)
        self._before: list[WindowState] = []

    def show_steps(
        self, aligned: Volume, second: vtkMRMLSegmentationNode, name: str
    ) -> Generator[None, None, vtkMRMLScalarVolumeNode]:
        """Add the aligned first CT to the scene, and show it beside the second one.

        Args:
            aligned: From `dates.dates_steps`.
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
        self._show(node, volume)
        return node

    def leave(self) -> None:
        """Restore the user's own layout, window and level, if that was not done already."""
        self._give_back()
        self._layout.leave()

    def _show(self, first: vtkMRMLScalarVolumeNode, second: vtkMRMLScalarVolumeNode) -> None:
        self._give_back()
        self._layout.show(anew=not all(date_views()))
        self._before = window_of(second)
        for view, shown in zip(date_views(), (first, second), strict=True):
            show_lung_window(shown)
            composite = vtkMRMLSliceLogic.GetSliceCompositeNode(view)
            composite.SetBackgroundVolumeID(shown.GetID())
            composite.SetLinkedControl(True)
            view.RotateToVolumePlane(second)
            logic = slicer.app.applicationLogic().GetSliceLogic(view)
            if logic is not None:
                logic.FitSliceToBackground()

    def _give_back(self) -> None:
        for each in self._before:
            each.restore()
        self._before = []


def date_views() -> list[vtkMRMLSliceNode]:
    """Return the views of the first and of the second date."""
    return [view_node(tag, "vtkMRMLSliceNode") for tag in (FIRST, SECOND)]
