"""The layout of a comparison: prediction, reference and difference in linked slices, distances in 3D, plot and table.

The layout has its own views, so that the user's views keep their contents. Each segmentation is limited to the views
that are about it, and its display is restored when the user leaves. Slicer does not signal that it saves a scene, so
the scene never holds anything that a Slicer without this module could not show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLCameraNode, vtkMRMLLayoutNode, vtkMRMLSliceCompositeNode, vtkMRMLSliceLogic, vtkMRMLSliceNode

from LungUNetSegSlicer.compare.comparison import SceneComparison
from LungUNetSegSlicer.compare.display import DISTANCE_COLOURS
from LungUNetSegSlicer.scene.colour_maps import add_legend
from LungUNetSegSlicer.scene.volume_bridge import box_ras, show_lung_window

LAYOUT_ID = 7461
"""Any number that no other layout has; Slicer's own are below 1000."""

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
    values = {"viewlabel": label, "viewgroup": VIEW_GROUP}
    if kind in ("Slice", "View"):
        values["viewcolor"] = VIEW_COLOURS[tag]
    if kind == "Slice":
        values["orientation"] = "Axial"
    properties = "".join(f'<property name="{name}" action="default">{each}</property>' for name, each in values.items())
    return f'<item><view class="vtkMRML{kind}Node" singletontag="{tag}">{properties}</view></item>'


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


@dataclass(frozen=True)
class WindowState:
    """The user's window and level of a CT.

    Attributes:
        node: The display node.
        auto: Whether Slicer chose it.
        window, level: In HU.
    """

    node: Any
    auto: bool
    window: float
    level: float

    def restore(self) -> None:
        """Restore these settings."""
        self.node.SetWindowLevel(self.window, self.level)
        self.node.SetAutoWindowLevel(self.auto)


class ComparisonViews:
    """Shows comparisons in their layout, and restores the user's own layout.

    Args:
        on_left: Called when the user left by choosing another layout in Slicer.
    """

    def __init__(self, on_left: Callable[[], None] = lambda: None) -> None:
        self._on_left = on_left
        self._result: SceneComparison | None = None
        self._own_arrangement = vtkMRMLLayoutNode.SlicerLayoutConventionalView
        self._before: list[DisplayState | WindowState] = []
        self._observed: tuple[vtkMRMLLayoutNode, int] | None = None

    @property
    def shown(self) -> SceneComparison | None:
        """The comparison that is shown; None while the user's own layout is active."""
        return self._result

    def show(self, result: SceneComparison) -> None:
        """Activate the layout and fill its views."""
        self._give_back()
        layout = layout_node()
        if layout.GetViewArrangement() != LAYOUT_ID:
            self._own_arrangement = layout.GetViewArrangement()
        elif not all(slice_nodes()):
            # The user removed one of its views; choosing the layout anew creates it again.
            layout.SetViewArrangement(self._own_arrangement)
        if layout.IsLayoutDescription(LAYOUT_ID):
            layout.SetLayoutDescription(LAYOUT_ID, LAYOUT)
        else:
            layout.AddLayoutDescription(LAYOUT_ID, LAYOUT)
        layout.SetViewArrangement(LAYOUT_ID)
        layout.SetSaveWithScene(False)  # a Slicer without this layout would show no view at all
        # Only now, as Slicer draws no legend that was added before its view existed.
        add_legend(result.distance, DISTANCE_COLOURS)
        self._result = result
        self._observed = layout, layout.AddObserver("ModifiedEvent", self._on_layout_modified)
        self._before = window_of(result.image_node)
        fill_slices(result)
        self._before += limit_displays(result)
        view_node(PLOT, "vtkMRMLPlotViewNode").SetPlotChartNodeID(result.plot.GetID())
        view_node(SCORES, "vtkMRMLTableViewNode").SetTableNodeID(result.scores.GetID())

    def leave(self) -> None:
        """Restore the user's own layout, if it is not active already."""
        if self._result is not None:
            self._give_back()
            layout_node().SetViewArrangement(self._own_arrangement)

    def _on_layout_modified(self, layout: vtkMRMLLayoutNode, _event: str) -> None:
        # The user chose another layout in Slicer's menu.
        if layout.GetViewArrangement() != LAYOUT_ID:
            self._give_back()
            self._on_left()

    def _give_back(self) -> None:
        """Restore the displays as they were."""
        if self._observed is not None:
            layout, observer = self._observed
            layout.RemoveObserver(observer)
            layout.SetSaveWithScene(True)
            self._observed = None
        for each in self._before:
            each.restore()
        self._before = []
        if self._result is not None:
            # In the user's own views they would cover the segmentations.
            self._result.differences.SetDisplayVisibility(False)
            self._result.distance.SetDisplayVisibility(False)
        self._result = None


def layout_node() -> vtkMRMLLayoutNode:
    """Return the scene's layout."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def view_node(tag: str, kind: str) -> Any:
    """Return a view of the layout."""
    return slicer.mrmlScene.GetSingletonNode(tag, kind)


def slice_nodes() -> list[vtkMRMLSliceNode]:
    """Return the views of prediction, reference and difference."""
    return [view_node(tag, "vtkMRMLSliceNode") for tag in SLICES]


def fill_slices(result: SceneComparison) -> None:
    """Show the CT in all three slice views, in the lung window and its acquisition plane, and link the views."""
    overlays = (result.prediction_node, result.reference_node, None)
    for view, overlay in zip(slice_nodes(), overlays, strict=True):
        composite: vtkMRMLSliceCompositeNode = vtkMRMLSliceLogic.GetSliceCompositeNode(view)
        is_label_map = overlay is not None and overlay.IsA("vtkMRMLLabelMapVolumeNode")
        composite.SetBackgroundVolumeID(result.image_node.GetID() if result.image_node else None)
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(overlay.GetID() if is_label_map else None)
        composite.SetLabelOpacity(LABEL_OPACITY)
        composite.SetLinkedControl(True)
        plane = result.image_node or (overlay if is_label_map else None)
        if plane is not None:
            view.RotateToVolumePlane(plane)
    if result.image_node is not None:
        show_lung_window(result.image_node)


def window_of(image_node: Any) -> list[DisplayState | WindowState]:
    """Return a CT's window and level; nothing without a CT, or before it has a display."""
    display = image_node.GetDisplayNode() if image_node is not None else None
    if display is None:
        return []
    return [WindowState(display, display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel())]


def limit_displays(result: SceneComparison) -> list[DisplayState]:
    """Show each segmentation only in its own view of the layout, and in the user's views as before.

    Returns:
        The displays' earlier settings.
    """
    compared = (result.prediction_node, result.reference_node, result.differences, result.distance)
    layout_views = (*slice_nodes(), view_node(DISTANCE, "vtkMRMLViewNode"))
    views = {node: view for node, view in zip(compared, layout_views, strict=True) if node.GetScene()}
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
