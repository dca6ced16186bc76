"""The views of a comparison, clicked: slices from the worst on, the plot, both layouts, the surface, the list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume


def position(tag: str) -> tuple[float, ...]:
    """Return where the plane of a slice view lies."""
    import slicer

    matrix = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSliceNode").GetSliceToRAS()
    return tuple(matrix.GetElement(row, 3) for row in range(3))


def shown_at(height: float) -> None:
    """Check that the slice views of the comparison and the user's own are at a height."""
    from LungUNetSegSlicer.compare.layout import DIFFERENCE, PREDICTION

    assert [position(tag)[2] for tag in (PREDICTION, DIFFERENCE, "Red")] == pytest.approx([height] * 3)


def test_worst_and_next_worse(compare, panel, app):
    """Each moves all slice views, the user's own too."""
    ui = compare()
    comparison = panel.widget.comparePanel.result.comparison
    heights = [comparison.slice_centre_lps(index)[2] for index in comparison.whole.slices_from_worst()]
    app.processEvents()
    shown_at(heights[0])
    panel.click(ui.nextSliceButton)
    shown_at(heights[1])
    panel.click(ui.worstSliceButton)
    shown_at(heights[0])


def test_points_of_the_plot_one_after_the_other(compare, panel, app):
    """On the same curve, on another, and once more: a real chart remembers what was chosen on each curve."""
    from LungUNetSegSlicer.compare.layout import PLOT

    ui = compare()
    app.processEvents()
    comparison = panel.widget.comparePanel.result.comparison
    order = comparison.whole.slices_from_worst()
    rows = sorted(order)
    widgets = [app.layoutManager().plotWidget(i) for i in range(app.layoutManager().plotViewCount)]
    plot = next(each for each in widgets if each.mrmlPlotViewNode().GetSingletonTag() == PLOT).plotView()
    for series, index in ((0, order[5]), (0, order[7]), (2, order[3]), (0, order[4]), (2, order[3])):
        plot.click(series, rows.index(index))
        shown_at(comparison.slice_centre_lps(index)[2])
    panel.click(ui.nextSliceButton)
    shown_at(comparison.slice_centre_lps(order[4])[2])
    plot.click(2, rows.index(order[3]))
    shown_at(comparison.slice_centre_lps(order[3])[2])


def test_back_and_forth_between_the_layouts(compare, views, panel):
    from LungUNetSegSlicer.compare.layout import LAYOUT_ID

    ui = compare()
    assert ui.comparisonViewsButton.text == "Back to my layout"
    panel.click(ui.comparisonViewsButton)
    assert views.GetViewArrangement() != LAYOUT_ID
    assert ui.comparisonViewsButton.text == "Show the differences"
    panel.click(ui.comparisonViewsButton)
    assert views.GetViewArrangement() == LAYOUT_ID


def test_closing_the_scene_or_the_module_brings_the_own_layout_back(compare, panel, app, views):
    import slicer

    from LungUNetSegSlicer.compare.layout import LAYOUT_ID

    ui = compare()
    slicer.mrmlScene.Clear(0)
    assert views.GetViewArrangement() != LAYOUT_ID
    assert not ui.reportButton.enabled and not ui.comparisonLabel.visible
    assert panel.widget.comparePanel.result is None


def test_the_plot_is_disconnected_by_the_very_object_it_was_connected_with(compare, panel, monkeypatch):
    """Protects memory after a reload: PythonQt compares slots by identity (PythonQtSignalReceiver.h, isSame)."""

    class Plot:
        def connect(self, _signal, slot):
            self.slot = slot

        def disconnect(self, _signal, slot):
            self.is_same = slot is self.slot

    plot = Plot()
    monkeypatch.setattr("LungUNetSegSlicer.panel.compare_panel.comparison_plot", lambda: plot)
    compare()
    panel.widget.comparePanel.close()
    assert plot.is_same


def test_both_rows_of_views_get_half_the_height(app, compare):
    """Without splitSize the slices had 96 of 1000 pixels."""
    from LungUNetSegSlicer.compare.layout import DIFFERENCE, DISTANCE, PLOT, PREDICTION

    compare()
    app.processEvents()
    heights = app.layoutManager().heights()
    for tag in (PREDICTION, DIFFERENCE, DISTANCE, PLOT):
        assert heights[tag] == pytest.approx(498, abs=4)


def distance_widget(app: Any) -> Any:
    """Return the widget of the view of distances."""
    from LungUNetSegSlicer.compare.layout import DISTANCE

    manager = app.layoutManager()
    widgets = [manager.threeDWidget(index) for index in range(manager.threeDViewCount)]
    return next(each for each in widgets if each.mrmlViewNode().GetSingletonTag() == DISTANCE)


def test_each_comparison_has_one_colour_legend_that_its_view_draws(app, compare, panel):
    """The view of the first comparison is made when it is shown, and draws no legend that was there before."""
    compare()
    compare()
    drawn = distance_widget(app).legends()
    result = panel.widget.comparePanel.result
    assert [each.GetDisplayableNode() for each in drawn] == [result.distance]
    assert drawn[0].GetVisibility() and drawn[0].IsDisplayableInView(distance_widget(app).mrmlViewNode().GetID())
    panel.click(panel.ui.comparisonViewsButton)
    panel.click(panel.ui.comparisonViewsButton)
    assert result.distance.GetNumberOfDisplayNodes() == 2


@pytest.mark.parametrize("room", [(2400, 600), (600, 1400)])
def test_the_whole_surface_is_seen_in_wide_and_in_tall_views(app, compare, panel, room):
    """A camera's angle is the height's: a tall view cut the surface at the left and the right."""
    import slicer

    app.layoutManager().resize_views(*room)
    compare()
    app.processEvents()
    view = distance_widget(app).threeDView()
    aspect = view.width / view.height
    assert (aspect > 1) == (room[0] > room[1])
    tag = distance_widget(app).mrmlViewNode().GetSingletonTag()
    cameras = slicer.util.getNodesByClass("vtkMRMLCameraNode")
    camera = next(each for each in cameras if each.GetLayoutName() == tag).GetCamera()
    bounds = [0.0] * 6
    panel.widget.comparePanel.result.distance.GetRASBounds(bounds)
    seen = []
    matrix = camera.GetCompositeProjectionTransformMatrix(aspect, -1, 1)
    for x in bounds[:2]:
        for y in bounds[2:4]:
            for z in bounds[4:]:
                at = matrix.MultiplyPoint((x, y, z, 1))
                seen.append((abs(at[0] / at[3]), abs(at[1] / at[3])))
    assert max(map(max, seen)) < 1
    assert max(map(max, seen)) > 0.5, "and it fills the view"


def test_another_layout_chosen_in_slicer_is_noticed(compare, panel, views):
    """The button said "Back to my layout" when the user was there already."""
    import slicer

    ui = compare()
    views.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert ui.comparisonViewsButton.text == "Show the differences"
    panel.click(ui.comparisonViewsButton)
    assert ui.comparisonViewsButton.text == "Back to my layout"
    panel.click(ui.comparisonViewsButton)
    assert views.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


def test_another_layout_chosen_in_the_middle_of_a_comparison(panel, views, compared_nodes, wait_until):
    """It is the one to come back to."""
    import slicer

    ui = panel.ui
    ui.predictionSelector.setCurrentNode(compared_nodes[1])
    ui.referenceSelector.setCurrentNode(compared_nodes[2])
    panel.click(ui.compareButton)
    views.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    wait_until(lambda: not panel.widget.comparePanel.running)
    assert ui.comparisonViewsButton.text == "Back to my layout"
    panel.click(ui.comparisonViewsButton)
    assert views.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


def test_a_view_that_was_removed_comes_back_with_the_next_comparison(compare, panel, views):
    from LungUNetSegSlicer.compare.layout import LAYOUT_ID, REFERENCE, slice_nodes

    scene = views.GetScene()
    ui = compare()
    scene.RemoveNode(scene.GetSingletonNode(REFERENCE, "vtkMRMLSliceNode"))
    panel.click(ui.worstSliceButton)
    compare()
    assert views.GetViewArrangement() == LAYOUT_ID and all(slice_nodes())
    assert ui.comparisonLabel.text.startswith("<b>DSC")


def test_disagreements_are_listed_and_a_click_shows_the_place(compare, panel, compared_nodes, small_phantom, app):
    """Protects the rows, that a click moves all slice views there, and that the list hides where there is none."""
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    labels = small_phantom.labels
    cut = labels.array.copy()
    lowest = int(np.flatnonzero((cut == 2).any(axis=(1, 2)))[0])
    cut[: lowest + 3][cut[: lowest + 3] == 2] = 0
    ui = compare(prediction=show_labels(Volume(cut, labels.geometry), LUNGS, compared_nodes[0]))
    (part,) = panel.widget.comparePanel.result.case.disagreements.parts
    table = ui.disagreementsTable
    texts = [table.item(0, column).text() for column in range(5)]
    assert texts == [
        str(lowest + 1),
        f"{part.volume_ml:.1f}",
        f"{part.distance_mm:.1f}",
        "left out",
        "Left lung, basal third",
    ]
    assert table.visible and table.rowCount == 1
    app.processEvents()
    table.cellClicked.emit(0, 0)
    shown_at(float(labels.geometry.slice_centre_lps(lowest)[2]))
    compare(prediction=show_labels(labels, LUNGS, compared_nodes[0]))
    assert not table.visible
    ui.comparisonCollapsibleButton.collapsed = True
    ui.comparisonCollapsibleButton.collapsed = False
    assert not table.visible
