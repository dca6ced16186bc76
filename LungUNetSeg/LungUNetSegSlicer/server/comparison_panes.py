"""Draws a comparison's plot and table off screen, for the picture of its layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from vtk import (
    vtkAxis,
    vtkChartLegend,
    vtkChartXY,
    vtkContextView,
    vtkPlotLine,
    vtkRectf,
    vtkRenderer,
    vtkRenderWindow,
)

from LungUNetSegLib.evaluation.report.tables import COLUMNS
from LungUNetSegLib.texts import with_minus
from LungUNetSegSlicer.server.offscreen import STRIP, TILE, grab_window, write_text

PAPER, INK = (1.0, 1.0, 1.0), (0.11, 0.15, 0.19)
TITLE_SIZE, TEXT_SIZE = 26, 21
BORDER = 20
"""Margin around a plot, in pixels."""

RIGHT_EDGES = (0.63, 0.81, 0.97)
"""Positions of the table's number columns, as fractions of the width."""


def draw_plot(chart_node: Any, colour: str) -> npt.NDArray[np.uint8]:
    """Draw a plot's curves, with y from 0 to 1; the result has the form of `offscreen.draw`."""
    chart = vtkChartXY()
    for index in range(chart_node.GetNumberOfPlotSeriesNodes()):
        series, curve = chart_node.GetNthPlotSeriesNode(index), vtkPlotLine()
        table = series.GetTableNode().GetTable()
        curve.SetInputData(table, series.GetXColumnName(), series.GetYColumnName())
        curve.SetColorF(*series.GetColor())
        curve.SetWidth(2.0)
        curve.SetMarkerStyle(vtkPlotLine.CIRCLE)
        curve.SetMarkerSize(series.GetMarkerSize())
        curve.SetLabel(series.GetName())
        chart.AddPlot(curve)
    chart.SetAutoSize(False)
    chart.SetSize(vtkRectf(0, 0, TILE - BORDER, TILE - STRIP - BORDER))
    chart.SetTitle(chart_node.GetTitle())
    chart.GetTitleProperties().SetFontSize(TITLE_SIZE)
    chart.SetShowLegend(True)
    chart.GetLegend().SetLabelSize(TEXT_SIZE)
    # Good curves run along the top, bad points lie at 0 and at the ends: nothing is in the middle.
    chart.GetLegend().SetVerticalAlignment(vtkChartLegend.CENTER)
    chart.GetLegend().SetHorizontalAlignment(vtkChartLegend.CENTER)
    chart.GetAxis(vtkAxis.LEFT).SetBehavior(vtkAxis.FIXED)
    chart.GetAxis(vtkAxis.LEFT).SetNumberOfTicks(6)
    chart.GetAxis(vtkAxis.LEFT).SetRange(*chart_node.GetYAxisRange())
    for side, title in ((vtkAxis.BOTTOM, chart_node.GetXAxisTitle()), (vtkAxis.LEFT, chart_node.GetYAxisTitle())):
        axis = chart.GetAxis(side)
        axis.SetTitle(title)
        for style in (axis.GetTitleProperties(), axis.GetLabelProperties()):
            style.SetFontSize(TEXT_SIZE)
            style.BoldOff()
    view = vtkContextView()
    view.GetRenderer().SetBackground(*PAPER)
    view.GetScene().AddItem(chart)
    window = view.GetRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetSize(TILE, TILE)
    window.Render()
    return grab_window(window, colour)


def draw_scores(table_node: Any, colour: str) -> npt.NDArray[np.uint8]:
    """Draw the table of scores, rounded as in the report; the result has the form of `offscreen.draw`."""
    names, *regions = (table_node.GetTable().GetColumn(i) for i in range(table_node.GetNumberOfColumns()))
    renderer, window = vtkRenderer(), vtkRenderWindow()
    renderer.SetBackground(*PAPER)
    window.SetOffScreenRendering(True)
    window.SetSize(TILE, TILE)
    window.AddRenderer(renderer)
    for edge, region in zip(RIGHT_EDGES[-len(regions) :], regions, strict=True):
        _write(renderer, region.GetName(), (edge, _height(-1)), is_number=True, is_bold=True)
    for row, column in enumerate(COLUMNS):
        _write(renderer, names.GetValue(row), (0.03, _height(row)))
        for edge, region in zip(RIGHT_EDGES[-len(regions) :], regions, strict=True):
            # VTK's font has no sign for infinity, so `page_text` cannot be used.
            shown = with_minus(column.text(region.GetValue(row)))
            _write(renderer, shown, (edge, _height(row)), is_number=True)
    window.Render()
    return grab_window(window, colour)


def _height(row: int) -> float:
    return 0.85 - 0.06 * row


def _write(
    renderer: vtkRenderer, text: str, at: tuple[float, float], *, is_number: bool = False, is_bold: bool = False
) -> None:
    style = write_text(renderer, text, at, INK, TEXT_SIZE).GetTextProperty()
    style.SetBackgroundOpacity(0)
    style.SetBold(is_bold)
    if is_number:
        style.SetJustificationToRight()
