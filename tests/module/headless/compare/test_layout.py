"""The layout of a comparison: its views, what each shows, and the user's own layout afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import slicer
from label_map_nodes import add_label_map

from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.compare.comparison import SceneComparison, compare_nodes
from LungUNetSegSlicer.compare.layout import (
    DIFFERENCE,
    DISTANCE,
    LAYOUT,
    LAYOUT_ID,
    PLOT,
    PREDICTION,
    REFERENCE,
    SCORES,
    SLICES,
    ComparisonViews,
    look_from_the_front,
    slice_nodes,
)
from LungUNetSegSlicer.compare.own_layout import view_node
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.scene.volume_bridge import LUNG_WINDOW_HU, add_volume_node

OWN = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


def view_ids() -> set[str]:
    """Return the IDs of all views in the scene, of what is in slice views, and of the layout."""
    kinds = ("vtkMRMLAbstractViewNode", "vtkMRMLSliceCompositeNode", "vtkMRMLLayoutNode")
    return {node.GetID() for kind in kinds for node in slicer.util.getNodesByClass(kind)}


@pytest.fixture
def layout(scene: Any) -> Iterator[Any]:
    """The layout node in four-up view, with the logics that the application has for layouts and slices."""
    before = view_ids()
    logic = slicer.vtkMRMLLayoutLogic()
    logic.SetMRMLScene(scene)
    node = logic.GetLayoutNode()
    node.AddLayoutDescription(LAYOUT_ID, LAYOUT)
    node.SetViewArrangement(LAYOUT_ID)  # makes the views
    slice_logics = []
    for view in slice_nodes():
        slice_logic = slicer.vtkMRMLSliceLogic()
        slice_logic.SetMRMLScene(scene)
        slice_logic.SetSliceNode(view)
        slice_logics.append(slice_logic)
    node.SetViewArrangement(OWN)
    yield node
    for slice_logic in slice_logics:
        slice_logic.SetMRMLScene(None)
    logic.SetMRMLScene(None)
    # Views outlive a scene that is closed; those of another test would find theirs taken.
    for view_id in view_ids() - before:
        scene.RemoveNode(scene.GetNodeByID(view_id))


@pytest.fixture
def result(layout: Any, small_phantom: Phantom) -> SceneComparison:
    """The phantom against itself moved by a row, a label map volume."""
    labels = small_phantom.labels
    prediction = show_labels(labels, LUNGS, add_volume_node(small_phantom.ct, "Chest"))
    moved = Volume(np.roll(labels.array, 1, axis=1), labels.geometry)
    return compare_nodes(prediction, add_label_map(moved))


def composite(tag: str) -> Any:
    """Return what a slice view shows."""
    return slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view_node(tag, "vtkMRMLSliceNode"))


def ours(node: Any) -> list[str]:
    """Return the views of the layout in which a node is seen."""
    views = [*slice_nodes(), view_node(DISTANCE, "vtkMRMLViewNode")]
    return [view.GetID() for view in views if node.GetDisplayNode().IsDisplayableInView(view.GetID())]


def test_the_layout_names_six_views() -> None:
    tags = [view.get("singletontag") for view in ElementTree.fromstring(LAYOUT).iter("view")]
    assert tags == [PREDICTION, REFERENCE, DIFFERENCE, DISTANCE, PLOT, SCORES]


def test_both_rows_have_a_size_and_only_views_that_take_a_colour_get_one() -> None:
    """Plots and tables have a fixed colour in Slicer: qMRMLPlotViewControllerWidget, qMRMLTableViewControllerWidget."""
    root = ElementTree.fromstring(LAYOUT)
    assert [item.get("splitSize") for item in root.findall("item")] == ["500", "500"]
    coloured = [view.get("class") for view in root.iter("view") if view.find("property[@name='viewcolor']") is not None]
    assert coloured == ["vtkMRMLSliceNode"] * 3 + ["vtkMRMLViewNode"]


def test_each_view_has_its_own(layout: Any, result: SceneComparison) -> None:
    """CT behind all slices, linked; each segmentation in its slice; plot, table and distances in theirs."""
    ComparisonViews().show(result)
    assert layout.GetViewArrangement() == LAYOUT_ID
    assert layout.GetLayoutRootElement() is not None
    for tag in SLICES:
        assert composite(tag).GetBackgroundVolumeID() == result.image_node.GetID()
        assert composite(tag).GetLinkedControl()
    assert len({view.GetViewGroup() for view in slice_nodes()}) == 1
    assert composite(REFERENCE).GetLabelVolumeID() == result.reference_node.GetID()
    assert composite(PREDICTION).GetLabelVolumeID() is None
    assert ours(result.prediction_node) == [f"vtkMRMLSliceNode{PREDICTION}"]
    assert ours(result.differences) == [f"vtkMRMLSliceNode{DIFFERENCE}"]
    assert ours(result.distance) == [f"vtkMRMLViewNode{DISTANCE}"]
    assert view_node(PLOT, "vtkMRMLPlotViewNode").GetPlotChartNode() is result.plot
    assert view_node(SCORES, "vtkMRMLTableViewNode").GetTableNode() is result.scores


def test_the_slices_lie_in_the_plane_of_the_scan(layout: Any, oblique_phantom: Phantom) -> None:
    ct = add_volume_node(oblique_phantom.ct, "Chest")
    prediction = show_labels(oblique_phantom.labels, LUNGS, ct)
    moved = Volume(np.roll(oblique_phantom.labels.array, 1, axis=1), oblique_phantom.labels.geometry)
    ComparisonViews().show(compare_nodes(prediction, show_labels(moved, LUNGS, ct)))
    normal = oblique_phantom.ct.geometry.directions[:, 0] * (-1, -1, 1)
    for view in slice_nodes():
        through = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 2]
        assert abs(through @ normal) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("by_menu", [False, True])
def test_back_to_ones_own_layout(layout: Any, result: SceneComparison, by_menu: bool) -> None:
    """All displays as before: by the button, and by choosing a layout in Slicer's own menu."""
    shown = result.prediction_node.GetDisplayNode()
    shown.AddViewNodeID("vtkMRMLSliceNodeRed")
    views = ComparisonViews()
    views.show(result)
    views.show(result)  # a second comparison from within the layout
    layout.SetViewArrangement(OWN) if by_menu else views.leave()
    assert layout.GetViewArrangement() == OWN
    assert list(shown.GetViewNodeIDs()) == ["vtkMRMLSliceNodeRed"]
    assert views.shown is None
    assert not result.differences.GetDisplayVisibility()
    assert list(result.differences.GetDisplayNode().GetViewNodeIDs()) == []
    views.leave()
    assert layout.GetViewArrangement() == OWN


def test_what_the_user_had_hidden_is_seen_here_alone(
    layout: Any, result: SceneComparison, small_phantom: Phantom
) -> None:
    """And hidden again afterwards; so is what a script has made without a display."""
    hidden = result.prediction_node
    hidden.SetDisplayVisibility(False)
    bare = show_labels(small_phantom.labels, LUNGS, result.image_node)
    bare.RemoveAllDisplayNodeIDs()
    views = ComparisonViews()
    views.show(compare_nodes(hidden, bare))
    for node, tag in ((hidden, PREDICTION), (bare, REFERENCE)):
        assert node.GetDisplayVisibility() and ours(node) == [f"vtkMRMLSliceNode{tag}"]
    assert not hidden.GetDisplayNode().IsDisplayableInView("vtkMRMLSliceNodeRed")
    views.leave()
    assert not hidden.GetDisplayVisibility() and list(hidden.GetDisplayNode().GetViewNodeIDs()) == []


@pytest.mark.parametrize("auto", [False, True])
def test_the_ct_gets_its_own_window_back(layout: Any, result: SceneComparison, auto: bool) -> None:
    display = result.image_node.GetDisplayNode()
    display.SetAutoWindowLevel(auto)
    if not auto:
        display.SetWindowLevel(400.0, 40.0)
    before = display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel()
    views = ComparisonViews()
    views.show(result)
    assert (display.GetWindow(), display.GetLevel()) == LUNG_WINDOW_HU
    views.leave()
    assert (display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel()) == before


def test_other_segmentations_stay_out(layout: Any, result: SceneComparison, small_phantom: Phantom) -> None:
    """A third one would lie over all three slices; in the user's own views it stays where it was."""
    other = show_labels(small_phantom.labels, LUNGS, result.image_node)
    views = ComparisonViews()
    views.show(result)
    assert ours(other) == []
    for node in (other, result.prediction_node):
        assert node.GetDisplayNode().IsDisplayableInView("vtkMRMLSliceNodeRed")
    views.leave()
    assert list(other.GetDisplayNode().GetViewNodeIDs()) == []


def test_a_scene_saved_meanwhile_is_seen_by_those_without_the_module(
    layout: Any, result: SceneComparison, scene: Any, tmp_path: Path
) -> None:
    """Their Slicer shows nothing at all in a layout that it does not know, nor a segmentation whose views it lacks.

    Slicer tells nobody that it is about to save, so what it would write must do at any time.
    """
    views = ComparisonViews()
    views.show(result)
    scene.Commit(str(tmp_path / "shown.mrml"))
    saved = ElementTree.parse(tmp_path / "shown.mrml").getroot()
    assert saved.find("Layout") is None
    (display,) = (
        each
        for each in saved.iter("SegmentationDisplay")
        if each.get("id") == result.prediction_node.GetDisplayNodeID()
    )
    assert "vtkMRMLSliceNodeRed" in (display.get("viewNodeRef") or "").split(";")
    views.leave()
    scene.Commit(str(tmp_path / "left.mrml"))
    saved = ElementTree.parse(tmp_path / "left.mrml").getroot()
    assert [each.get("currentViewArrangement") for each in saved.iter("Layout")] == [str(OWN)]


def test_what_was_removed_meanwhile_is_no_obstacle(layout: Any, result: SceneComparison, scene: Any) -> None:
    views = ComparisonViews()
    views.show(result)
    for node in (result.prediction_node, result.reference_node, result.image_node, result.distance, result.plot):
        scene.RemoveNode(node)
    views.leave()
    assert layout.GetViewArrangement() == OWN
    views.show(result)
    assert ours(result.differences) == [f"vtkMRMLSliceNode{DIFFERENCE}"]
    shown = composite(REFERENCE)
    assert shown.GetBackgroundVolumeID() is None and shown.GetLabelVolumeID() is None


def test_no_ct_is_no_obstacle(layout: Any, result: SceneComparison) -> None:
    slicer.mrmlScene.RemoveNode(result.image_node)
    again = compare_nodes(result.prediction_node, result.reference_node)
    assert again.image_node is None
    ComparisonViews().show(again)
    assert composite(PREDICTION).GetBackgroundVolumeID() is None


@pytest.mark.parametrize("aspect", [0.4, 1.0, 3.0])
def test_the_camera_sees_the_whole_surface_from_the_front(layout: Any, result: SceneComparison, aspect: float) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCameraNode").SetLayoutName(DISTANCE)
    cameras = slicer.util.getNodesByClass("vtkMRMLCameraNode")
    camera = next(each for each in cameras if each.GetLayoutName() == DISTANCE)
    look_from_the_front(result, aspect)
    bounds = np.empty(6)
    result.distance.GetRASBounds(bounds)
    away = np.subtract(camera.GetPosition(), camera.GetFocalPoint())
    assert away[1] > (bounds[3] - bounds[2]) and not away[0] and not away[2]
    # At the front of the surface the view holds its height, and aspect times as much across.
    height = 2 * (away[1] - (bounds[3] - bounds[2]) / 2) * np.tan(np.radians(camera.GetViewAngle() / 2))
    assert height >= bounds[5] - bounds[4] and height * aspect >= bounds[1] - bounds[0]
    assert camera.GetFocalPoint() == pytest.approx((bounds[::2] + bounds[1::2]) / 2, abs=1e-3)
