"""Adds a comparison's numbers to the scene: a table of scores, and the DSC of each slice as a table and a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import slicer
from slicer import vtkMRMLPlotChartNode, vtkMRMLPlotSeriesNode, vtkMRMLTableNode
from vtk import vtkCollection, vtkDoubleArray, vtkIntArray, vtkStringArray

from LungUNetSegLib.evaluation.compare import Comparison
from LungUNetSegLib.evaluation.report.tables import COLUMNS
from LungUNetSegLib.segments import LUNG_TITLES, NAMED_SEGMENTS
from LungUNetSegLib.volume.geometry import slice_index, slice_number

SLICE, HEIGHT = "Slice", "z (mm)"
"""Columns of the table of slices; each lung and both have one more, by `LUNG_TITLES`."""

DOUBTFUL, DOUBT_COLOUR = "Doubtful slices", (0.80, 0.10, 0.10)
NEAR_MM = 0.5
"""Slices of a result and of a comparison that lie nearer are the same; their numbers may differ."""


def add_scores_table(comparison: Comparison, name: str) -> vtkMRMLTableNode:
    """Add a table with a row for each score and a column for each lung and both together.

    Undefined scores are NaN, distances to an empty segment are infinite; docs/metrics.md defines each score.
    """
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    titles = [f"{column.title} ({column.unit})" if column.unit else column.title for column in COLUMNS]
    add_column(table, vtkStringArray(), "Score", titles)
    for region in comparison.regions:
        add_column(table, vtkDoubleArray(), region.title, [getattr(region, column.field) for column in COLUMNS])
    table.SetUseColumnTitleAsColumnHeader(True)
    return table


def add_slices_table(comparison: Comparison, name: str) -> vtkMRMLTableNode:
    """Add a table with a row for each slice that holds lung, from foot to head: its number, height and DSC."""
    slices = sorted(comparison.whole.slices_from_worst())
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    add_column(table, vtkIntArray(), SLICE, map(slice_number, slices))
    add_column(table, vtkDoubleArray(), HEIGHT, [comparison.slice_centre_lps(index)[2] for index in slices])
    for region in comparison.regions:
        add_column(table, vtkDoubleArray(), region.title, [region.dsc_by_slice[index] for index in slices])
    table.SetUseColumnTitleAsColumnHeader(True)
    return table


def add_slices_plot(slices: vtkMRMLTableNode, name: str) -> vtkMRMLPlotChartNode:
    """Add a chart of DSC over height, a curve for each lung in its colour, from what `add_slices_table` added."""
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    for lung, segment in NAMED_SEGMENTS.items():
        if slices.GetColumnIndex(LUNG_TITLES[lung]) < 0:
            continue
        series = add_curve(slices, HEIGHT, LUNG_TITLES[lung], segment.colour)
        series.SetMarkerStyle(vtkMRMLPlotSeriesNode.MarkerStyleCircle)
        series.SetMarkerSize(6)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(name)
    chart.SetXAxisTitle("height z in the patient, mm")
    chart.SetYAxisTitle("DSC")
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(0.0, 1.0)
    return chart


def add_doubt_marks(
    chart: vtkMRMLPlotChartNode, slices: vtkMRMLTableNode, doubtful: Sequence[Mapping[str, Any]]
) -> None:
    """Mark the doubtful slices of a result in a chart of DSC over height, on the curve of their lung.

    Args:
        chart: From `add_slices_plot`.
        slices: Its table; it gets a column of the marks.
        doubtful: `doubtful_slices` of the prediction's result.
    """
    table = slices.GetTable()
    heights = [table.GetColumnByName(HEIGHT).GetValue(row) for row in range(table.GetNumberOfRows())]
    marks = [math.nan] * len(heights)
    for each in doubtful:
        curve = table.GetColumnByName(LUNG_TITLES[each["lung"]])
        near = min(range(len(heights)), key=lambda row: abs(heights[row] - each["height_mm"]), default=None)
        if curve is not None and near is not None and abs(heights[near] - each["height_mm"]) < NEAR_MM:
            marks[near] = curve.GetValue(near)
    if all(math.isnan(mark) for mark in marks):
        return
    add_column(slices, vtkDoubleArray(), DOUBTFUL, marks)
    series = add_curve(slices, HEIGHT, DOUBTFUL, DOUBT_COLOUR)
    series.SetLineStyle(vtkMRMLPlotSeriesNode.LineStyleNone)
    series.SetMarkerStyle(vtkMRMLPlotSeriesNode.MarkerStyleDiamond)
    series.SetMarkerSize(12)
    chart.AddAndObservePlotSeriesNodeID(series.GetID())


def add_curve(table: vtkMRMLTableNode, x: str, y: str, colour: tuple[float, float, float]) -> vtkMRMLPlotSeriesNode:
    """Add a curve of column `y` over column `x` of a table, in a colour (RGB, 0 to 1)."""
    curve = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", y)
    curve.SetAndObserveTableNodeID(table.GetID())
    curve.SetXColumnName(x)
    curve.SetYColumnName(y)
    curve.SetPlotType(vtkMRMLPlotSeriesNode.PlotTypeScatter)
    curve.SetColor(*colour)
    return curve


def plot_nodes(chart: vtkMRMLPlotChartNode) -> list[Any]:
    """Return a chart and its curves, so that they can be removed together."""
    return [chart, *(chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes()))]


def chosen_slice(slices: vtkMRMLTableNode, selection: vtkCollection) -> int | None:
    """Return the index of the slice whose point was chosen in a plot; None if none was.

    Args:
        slices: The table behind the plot.
        selection: As in qMRMLPlotView's signal ``dataSelected``: row numbers for each curve with a chosen point.
    """
    for index in range(selection.GetNumberOfItems()):
        rows = selection.GetItemAsObject(index)
        if rows.GetNumberOfTuples():
            numbers = slices.GetTable().GetColumnByName(SLICE)
            return slice_index(int(numbers.GetValue(int(rows.GetValue(0)))))
    return None


def add_column(table: vtkMRMLTableNode, column: Any, name: str, values: Iterable[Any]) -> None:
    """Add an empty VTK array to a table, with a name and values."""
    column.SetName(name)
    for value in values:
        column.InsertNextValue(value)
    table.AddColumn(column)
    table.SetColumnTitle(name, name)
