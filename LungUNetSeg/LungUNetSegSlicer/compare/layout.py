"""The layout of a comparison: prediction, reference and difference in linked slices, distances in 3D, plot and table.

Each segmentation is limited to the views that are about it, and its display is restored when the user leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLCameraNode, vtkMRMLSliceCompositeNode, vtkMRMLSliceLogic, vtkMRMLSliceNode

from LungUNetSegSlicer.compare.comparison import SceneComparison
from LungUNetSegSlicer.compare.display import DISTANCE_COLOURS
from LungUNetSegSlicer.compare.own_layout import OwnLayout, WindowState, view_item, view_node, window_of
from LungUNetSegSlicer.scene.colour_maps import add_legend
from LungUNetSegSlicer.scene.volume_bridge import box_ras, show_lung_window

LAYOUT_ID = 7461
PREDICTION, REFERENCE, DIFFERENCE = "LungUNetSegPrediction", "LungUNetSegReference", "LungUNetSegDifference"
SLICES = (PREDICTION, REFERENCE, DIFFERENCE)
DISTANCE, PLOT, SCORES = "LungUNetSegDistance", "LungUNetSegPlot", "LungUNetSegScores"
"""Singleton tags of the views."""

VIEW_COLOURS = {
    PREDICTION: "#33A1C9",
    REFERENCE: "#F59938",
    DIFFERENCE: "#D55E00",
    DISTANCE: "#7474D2",
    PLOT: "#1BC6CF",
    SCORES: "#E1BA3C",
}
"""Slicer gives all plots and tables the last two (qMRMLPlotViewControllerWidget, qMRMLTableViewControllerWidget)."""

VIEW_GROUP = 7461
"""Slices are linked within their group, and the user's own views are in another."""

LABEL_OPACITY = 0.4

ROW_HEIGHT = 500
"""Splitters divide the space in these proportions; without them slices get 96 of 1000 pixels."""

MARGIN = 1.2
"""Margin of the 3D view around the surface and its legend."""


def _view(kind: str, tag: str, label: str) -> str:
    values: dict[str, object] = {"viewlabel": label, "viewgroup": VIEW_GROUP}
    if kind in ("Slice", "View"):
        values["viewcolor"] = VIEW_COLOURS[tag]
    if kind == "Slice":
        values["orientation"] = "Axial"
    return view_item(kind, tag, values)


def _row(*views: str) -> str:
    row = f'<layout type="horizontal" split="true">{"".join(views)}</layout>'
    return f'<item splitSize="{ROW_HEIGHT}">{row}</item>'


LAYOUT = (
    '<layout type="vertical" split="true">'
    + _row(
        _view("Slice", PREDICTION, "Prediction"),
        _view("Slice", REFERENCE, "Reference"),
        _view("Slice", DIFFERENCE, "Difference"),
    )
    + _row(
        _view("View", DISTANCE, "Distance"),
        _view("PlotView", PLOT, "DSC by slice"),
        _view("TableView", SCORES, "Scores"),
    )
    + "</layout>"
)


@dataclass(frozen=True)
class DisplayState:
    """The user's settings of a display.

    Attributes:
        node: The display node.
        visibility: Whether it was visible.
        view_ids: The views that it was limited to; empty for all.
    """

    node: Any
    visibility: bool
    view_ids: list[str]

    def restore(self) -> None:
        """Restore these settings."""
        self.node.SetVisibility(self.visibility)
        self.node.SetViewNodeIDs(self.view_ids)


class ComparisonViews:
    """Shows comparisons in their layout, and restores the user's own layout.

    Args:
        on_left: Called when the user left by choosing another layout in Slicer.
    """

    def __init__(self, on_left: Callable[[], None] = lambda: None) -> None:
        self._on_left = on_left
        self._layout = OwnLayout(LAYOUT_ID, LAYOUT, self._left)
        self._result: SceneComparison | None = None
        self._before: list[DisplayState | WindowState] = []

    @property
    def shown(self) -> SceneComparison | None:
        """The comparison that is shown; None while the user's own layout is active."""
        return self._result

    def show(self, result: SceneComparison) -> None:
        """Activate the layout and fill its views."""
        self._give_back()
        self._layout.show(anew=not all(slice_nodes()))
        # Only now, as Slicer draws no legend that was added before its view existed.
        add_legend(result.distance, DISTANCE_COLOURS)
        self._result = result
        self._before = [*window_of(result.image_node)]
        fill_slices(result)
        self._before += limit_displays(result)
        view_node(PLOT, "vtkMRMLPlotViewNode").SetPlotChartNodeID(result.plot.GetID())
        view_node(SCORES, "vtkMRMLTableViewNode").SetTableNodeID(result.scores.GetID())

    def leave(self) -> None:
        """Restore the user's own layout, if it is not active already."""
        self._give_back()
        self._layout.leave()

    def _left(self) -> None:
        self._give_back()
        self._on_left()

    def _give_back(self) -> None:
        """Restore the displays as they were."""
        for each in self._before:
            each.restore()
        self._before = []
        if self._result is not None:
            # In the user's own views they would cover the segmentations.
            self._result.differences.SetDisplayVisibility(False)
            self._result.distance.SetDisplayVisibility(False)
        self._result = None


def slice_nodes() -> list[vtkMRMLSliceNode]:
    """Return the views of prediction, reference and difference."""
    return [view_node(tag, "vtkMRMLSliceNode") for tag in SLICES]


def fill_slices(result: SceneComparison) -> None:
    """Show the CT in all three slice views, in the lung window and its acquisition plane, and link the views."""
    ct = result.image_node if _is_present(result.image_node) else None
    overlays = (result.prediction_node, result.reference_node, None)
    for view, overlay in zip(slice_nodes(), overlays, strict=True):
        composite: vtkMRMLSliceCompositeNode = vtkMRMLSliceLogic.GetSliceCompositeNode(view)
        is_label_map = _is_present(overlay) and overlay.IsA("vtkMRMLLabelMapVolumeNode")
        composite.SetBackgroundVolumeID(ct.GetID() if ct else None)
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(overlay.GetID() if is_label_map else None)
        composite.SetLabelOpacity(LABEL_OPACITY)
        composite.SetLinkedControl(True)
        plane = ct or (overlay if is_label_map else None)
        if plane is not None:
            view.RotateToVolumePlane(plane)
    if ct is not None:
        show_lung_window(ct)


def _is_present(node: Any) -> bool:
    """Whether a node is there; the user may have removed it since it was compared."""
    return node is not None and node.GetScene() is not None


def limit_displays(result: SceneComparison) -> list[DisplayState]:
    """Show each segmentation only in its own view of the layout, and in the user's views as before.

    Returns:
        The displays' earlier settings.
    """
    compared = (result.prediction_node, result.reference_node, result.differences, result.distance)
    layout_views = (*slice_nodes(), view_node(DISTANCE, "vtkMRMLViewNode"))
    views = {node: view for node, view in zip(compared, layout_views, strict=True) if _is_present(node)}
    for node in views:
        node.CreateDefaultDisplayNodes()  # a segmentation made by a script may have no display node
    layout_ids = {view.GetID() for view in layout_views}
    kinds = ("vtkMRMLSliceNode", "vtkMRMLViewNode")
    every_id = [view.GetID() for kind in kinds for view in slicer.util.getNodesByClass(kind)]
    others = [each for each in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if each not in views]
    before = []
    for node in (*views, *others):
        for display in (node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())):
            was = DisplayState(display, display.GetVisibility(), list(display.GetViewNodeIDs()))
            before.append(was)
            is_users = was.visibility and node not in (result.differences, result.distance)
            view_ids = [each for each in was.view_ids or every_id if each not in layout_ids] if is_users else []
            if node in views:
                view_ids.append(views[node].GetID())
                display.SetVisibility(True)
            display.SetViewNodeIDs(view_ids)
    return before


def look_from_the_front(result: SceneComparison, aspect: float = 1.0) -> None:
    """Turn the 3D view's camera to the front and fit the whole surface.

    Args:
        result: The comparison.
        aspect: The view's width over its height; a camera's view angle is vertical.
    """
    camera = next((each for each in slicer.util.getNodesByClass("vtkMRMLCameraNode") if _is_ours(each)), None)
    if camera is None or not result.distance.GetScene() or not result.distance.GetPolyData().GetNumberOfPoints():
        return
    middle, size_mm = box_ras(result.distance)
    height_mm = MARGIN * max(size_mm[2], size_mm[0] / aspect)
    distance_mm = height_mm / 2 / np.tan(np.radians(camera.GetViewAngle() / 2)) + size_mm[1] / 2
    camera.SetFocalPoint(*middle)
    camera.SetPosition(middle[0], middle[1] + distance_mm, middle[2])
    camera.SetViewUp(0, 0, 1)
    camera.ResetClippingRange()


def _is_ours(camera: vtkMRMLCameraNode) -> bool:
    return bool(camera.GetLayoutName() == DISTANCE)
