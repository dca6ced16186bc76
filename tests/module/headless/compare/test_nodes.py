"""A comparison in the scene: tables, plot, worst slices, differences and distances, from shapes counted by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from LungUNetSegLib.evaluation.compare import Comparison, compare
from LungUNetSegLib.evaluation.report.tables import COLUMNS
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegSlicer.background import finish
from LungUNetSegSlicer.compare.display import (
    COLOUR_RANGE_MM,
    DIFFERENCES,
    DISTANCE,
    DISTANCE_COLOURS,
    add_differences,
    add_distance_model,
    difference_labels,
    distance_surface,
)
from LungUNetSegSlicer.compare.slices import WorstSlices, error_position_ras, show_slice
from LungUNetSegSlicer.compare.tables import (
    add_doubt_marks,
    add_scores_table,
    add_slices_plot,
    add_slices_table,
    chosen_slice,
    plot_nodes,
)
from LungUNetSegSlicer.scene.colour_maps import add_legend

GEOMETRY = Geometry.axial((12, 30, 40), (2.0, 1.0, 1.0), (-20.0, -15.0, 100.0))


def boxes() -> tuple[np.ndarray, np.ndarray]:
    """Return prediction and reference: two boxes of 8 slices; the prediction's left one is 3 columns wider in slice 6.

    In slice 4 the prediction lacks one column of its right box.
    """
    reference = np.zeros(GEOMETRY.shape, np.uint8)
    reference[2:10, 5:25, 4:14], reference[2:10, 5:25, 24:34] = 1, 2
    prediction = reference.copy()
    prediction[6, 5:25, 34:37] = 2
    prediction[4, 5:25, 4] = 0
    return prediction, reference


@pytest.fixture
def comparison(scene: Any) -> Comparison:
    """The comparison of `boxes`."""
    prediction, reference = boxes()
    return compare(Volume(prediction, GEOMETRY), Volume(reference, GEOMETRY))


def column(table: Any, name: str) -> list[Any]:
    """Return the values of a column."""
    values = table.GetTable().GetColumnByName(name)
    return [values.GetValue(index) for index in range(values.GetNumberOfValues())]


def test_the_table_has_every_score_of_every_lung(comparison: Comparison) -> None:
    table = add_scores_table(comparison, "Scores")
    assert [table.GetColumnName(i) for i in range(4)] == ["Score", "Right lung", "Left lung", "Both lungs"]
    assert table.GetNumberOfRows() == len(COLUMNS) == 13
    scores = dict(zip(column(table, "Score"), column(table, "Both lungs"), strict=True))
    assert scores["DSC"] == pytest.approx(2 * 3180 / (2 * 3180 + 60 + 20))
    assert scores["Volume difference (ml)"] == pytest.approx(40 * 2 / 1000)


def test_one_empty_lung_is_infinitely_far(scene: Any) -> None:
    prediction, reference = boxes()
    prediction[prediction == 2] = 0
    table = add_scores_table(compare(Volume(prediction, GEOMETRY), Volume(reference, GEOMETRY)), "Scores")
    scores = dict(zip(column(table, "Score"), column(table, "Left lung"), strict=True))
    assert scores["HD95 (mm)"] == math.inf and math.isnan(scores["Precision"]) and scores["DSC"] == 0


def test_slices_with_lung_by_height(comparison: Comparison) -> None:
    table = add_slices_table(comparison, "Slices")
    assert column(table, "Slice") == list(range(3, 11))
    assert column(table, "z (mm)")[0] == pytest.approx(104.0)
    assert column(table, "Both lungs")[4] == pytest.approx(2 * 400 / (2 * 400 + 60))
    assert column(table, "Right lung")[2] == pytest.approx(2 * 180 / (2 * 180 + 20))


def test_the_plot_has_a_curve_for_each_lung(comparison: Comparison) -> None:
    table = add_slices_table(comparison, "Slices")
    chart, *curves = plot_nodes(add_slices_plot(table, "DSC by slice"))
    assert [each.GetYColumnName() for each in curves] == ["Right lung", "Left lung", "Both lungs"]
    assert all(each.GetTableNode() is table and each.GetXColumnName() == "z (mm)" for each in curves)
    assert chart.GetYAxisRange() == (0.0, 1.0) and not chart.GetYAxisRangeAuto()


def test_a_point_chosen_in_the_plot_is_its_slice(comparison: Comparison) -> None:
    table = add_slices_table(comparison, "Slices")
    selection, none, rows = vtk.vtkCollection(), vtk.vtkIdTypeArray(), vtk.vtkIdTypeArray()
    assert chosen_slice(table, selection) is None
    rows.InsertNextValue(4)
    selection.AddItem(none)
    selection.AddItem(rows)
    assert chosen_slice(table, selection) == 6


def test_from_the_worst_to_the_next_worse(comparison: Comparison) -> None:
    """Slice 6 has most errors, slice 4 follows; equals go on from the foot, and the walk ends at the last."""
    worst = WorstSlices(comparison)
    assert (worst.first(), worst.next(), worst.next()) == (6, 4, 2)
    assert [worst.next() for _ in range(6)] == [3, 5, 7, 8, 9, 9]
    assert worst.is_last
    worst.go_to(4)
    assert worst.next() == 2


def test_the_position_is_the_middle_of_the_thickest_error(comparison: Comparison) -> None:
    """The error of slice 6 is 3 columns from 34: its middle column is 35, at x = 15 mm LPS, which is -15 in RAS."""
    right, _, superior = error_position_ras(comparison, 6)
    assert (right, superior) == (pytest.approx(-15.0), pytest.approx(112.0))
    assert error_position_ras(comparison, 9) == pytest.approx((0.5, 0.5, 118.0))


def test_slice_views_go_there(scene: Any, comparison: Comparison) -> None:
    views = [scene.AddNewNodeByClass("vtkMRMLSliceNode") for _ in range(2)]
    for view, orientation in zip(views, ("Axial", "Sagittal"), strict=True):
        view.SetLayoutName(orientation)
        view.SetDefaultOrientation(orientation)
        view.SetOrientationToDefault()
    show_slice(scene, comparison, 6)
    assert views[0].GetSliceToRAS().GetElement(2, 3) == pytest.approx(112.0)
    assert views[1].GetSliceToRAS().GetElement(0, 3) == pytest.approx(-15.0)


def test_differences_in_three_colours(comparison: Comparison) -> None:
    node = add_differences(difference_labels(comparison), "Differences")
    segmentation = node.GetSegmentation()
    assert [segmentation.GetNthSegment(i).GetName() for i in range(3)] == [
        "True positive", "False positive", "False negative",
    ]  # fmt: skip
    counts = [np.count_nonzero(slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, each.segment_id) == each.label)
              for each in DIFFERENCES]  # fmt: skip
    assert counts == [3180, 60, 20]
    assert len({segmentation.GetNthSegment(i).GetColor() for i in range(3)}) == 3


def test_distances_have_the_sign_of_the_error(scene: Any) -> None:
    """A box that is too wide by 3 columns, and one that is too narrow by 2, of a pixel of 1 mm."""
    reference = boxes()[1]
    prediction = reference.copy()
    prediction[2:10, 5:25, 34:37] = 2
    prediction[2:10, 5:25, 4:6] = 0
    compared = compare(Volume(prediction, GEOMETRY), Volume(reference, GEOMETRY))
    surface = finish(distance_surface(compared))
    points = vtk_to_numpy(surface.GetPoints().GetData())
    distances = vtk_to_numpy(surface.GetPointData().GetArray(DISTANCE))
    middle = (np.abs(points[:, 2] - 111) < 4) & (np.abs(points[:, 1] - 0.5) < 5)  # away from edges, which are rounded
    outer_left, outer_right = points[:, 0].min(), points[:, 0].max()
    assert distances[middle & (points[:, 0] < outer_left + 0.5)].mean() == pytest.approx(3.0, abs=0.3)
    assert distances[middle & (points[:, 0] > outer_right - 0.5)].mean() == pytest.approx(-2.0, abs=0.3)
    assert np.median(np.abs(distances)) < 0.5


def test_fine_grids_are_thinned_and_stay_in_place(scene: Any) -> None:
    """A box of 0.5 mm pixels and 2.5 mm slices: its surface is made of every third pixel."""
    geometry = Geometry.axial((8, 60, 60), (2.5, 0.5, 0.5), (-10.0, -20.0, 30.0))
    box = np.zeros(geometry.shape, np.uint8)
    box[2:6, 12:48, 12:48] = 1
    surface = finish(distance_surface(compare(Volume(box, geometry), Volume(box, geometry))))
    low, high = np.reshape(surface.GetBounds(), (3, 2)).T
    np.testing.assert_allclose(high - low, (18.0, 18.0, 10.0), atol=2.0)
    np.testing.assert_allclose((low + high) / 2, (-4.75, 5.25, 38.75), atol=1.0)
    assert not vtk_to_numpy(surface.GetPointData().GetArray(DISTANCE)).any()


def test_the_model_shows_distances_with_a_legend(comparison: Comparison) -> None:
    model = add_distance_model(finish(distance_surface(comparison)), "Distance")
    display = model.GetDisplayNode()
    assert display.GetActiveScalarName() == DISTANCE and display.GetScalarVisibility()
    assert display.GetScalarRange() == (-COLOUR_RANGE_MM, COLOUR_RANGE_MM)
    assert model.GetNumberOfDisplayNodes() == 1
    add_legend(model, DISTANCE_COLOURS)
    add_legend(model, DISTANCE_COLOURS)
    assert model.GetNumberOfDisplayNodes() == 2
    legend = model.GetNthDisplayNode(1)
    assert legend.GetClassName() == "vtkMRMLColorLegendDisplayNode"
    assert legend.GetColorNode() is display.GetColorNode()
    # A second model has the same colours.
    again = add_distance_model(finish(distance_surface(comparison)), "Distance")
    assert again.GetDisplayNode().GetColorNode() is display.GetColorNode()


def test_no_lung_in_both_is_an_empty_surface(scene: Any) -> None:
    prediction, reference = (np.where(each == 1, each, 0).astype(np.uint8) for each in boxes())
    prediction[...] = np.where(prediction == 1, 2, 0)
    surface = finish(distance_surface(compare(Volume(prediction, GEOMETRY), Volume(reference, GEOMETRY))))
    assert surface.GetNumberOfPoints() == 0
    add_distance_model(surface, "Distance")


def test_doubtful_slices_are_marked_on_the_curve_of_their_lung(comparison: Comparison) -> None:
    """Protects the marks: at the slice's height whatever its number, and none where there is no such slice."""
    table = add_slices_table(comparison, "Slices")
    heights = column(table, "z (mm)")
    chart = add_slices_plot(table, "DSC by slice")
    doubtful = [
        {"lung": "left", "height_mm": heights[4] + 0.1}, {"lung": "right", "height_mm": heights[2]},
        {"lung": "right", "height_mm": heights[-1] + 20},
    ]  # fmt: skip
    add_doubt_marks(chart, table, doubtful)
    marks = column(table, "Doubtful slices")
    assert [row for row, mark in enumerate(marks) if not math.isnan(mark)] == [2, 4]
    assert (marks[4], marks[2]) == (column(table, "Left lung")[4], column(table, "Right lung")[2])
    assert [each.GetName() for each in plot_nodes(chart)[1:]][-1] == "Doubtful slices"


def test_a_result_without_doubtful_slices_has_no_marks(comparison: Comparison) -> None:
    table = add_slices_table(comparison, "Slices")
    chart = add_slices_plot(table, "DSC by slice")
    add_doubt_marks(chart, table, [])
    assert len(plot_nodes(chart)) == 4 and table.GetColumnIndex("Doubtful slices") < 0
