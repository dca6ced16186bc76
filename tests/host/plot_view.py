"""Plots of the application: a real chart of VTK, clicked with real mouse events, drawn off screen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget
from vtk import (
    vtkAxis,
    vtkChart,
    vtkChartXY,
    vtkCollection,
    vtkContextInteractorStyle,
    vtkContextMouseEvent,
    vtkContextView,
    vtkPlotLine,
    vtkRenderWindowInteractor,
    vtkStringArray,
)


class qMRMLPlotView(QWidget):
    """Stands for Slicer's Libs/MRML/Widgets/qMRMLPlotView.h.

    Args:
        parent: Of the widget.
        node: The view node. Its chart is made when it is first clicked.
    """

    dataSelected = Signal(object, object)

    def __init__(self, parent: QWidget, node: Any) -> None:
        super().__init__(parent)
        self._node, self._view, self._chart = node, vtkContextView(), vtkChartXY()
        self._chart.SetClickActionToButton(vtkChart.SELECT, vtkContextMouseEvent.LEFT_BUTTON)
        self._chart.SetActionToButton(vtkChart.PAN, vtkContextMouseEvent.LEFT_BUTTON)
        self._chart.AddObserver("SelectionChangedEvent", self._emit_selection)

    def RemovePlotSelections(self) -> None:
        """Let go of all chosen points."""
        self._chart.RemovePlotSelections()

    def click(self, curve: int, row: int) -> None:
        """Click on a point of a curve with the left mouse button, in the view's first interaction mode."""
        if not self._chart.GetNumberOfPlots():
            self._draw()
        style, interactor = vtkContextInteractorStyle(), vtkRenderWindowInteractor()
        style.SetScene(self._view.GetScene())
        interactor.SetRenderWindow(self._view.GetRenderWindow())
        interactor.SetInteractorStyle(style)
        interactor.SetEventInformation(*self._pixel(curve, row), 0, 0, chr(0), 0, None)
        for event in ("MouseMoveEvent", "LeftButtonPressEvent", "LeftButtonReleaseEvent"):
            interactor.InvokeEvent(event)

    def _draw(self) -> None:
        """Make the curves of the chart node, as updateWidgetFromMRML does."""
        chart_node = self._node.GetPlotChartNode()
        for index in range(chart_node.GetNumberOfPlotSeriesNodes()):
            series, curve = chart_node.GetNthPlotSeriesNode(index), vtkPlotLine()
            table = series.GetTableNode().GetTable()
            curve.SetInputData(table, series.GetXColumnName(), series.GetYColumnName())
            self._chart.AddPlot(curve)
        self._view.GetScene().AddItem(self._chart)
        window = self._view.GetRenderWindow()
        window.SetOffScreenRendering(True)
        window.SetSize(600, 400)
        window.Render()

    def _pixel(self, curve: int, row: int) -> tuple[int, ...]:
        """Return where a point of a curve is drawn."""
        series = self._node.GetPlotChartNode().GetNthPlotSeriesNode(curve)
        table = series.GetTableNode().GetTable()
        columns = (table.GetColumnByName(name) for name in (series.GetXColumnName(), series.GetYColumnName()))
        axes = (self._chart.GetAxis(side) for side in (vtkAxis.BOTTOM, vtkAxis.LEFT))
        corners = self._chart.GetPoint1(), self._chart.GetPoint2()
        pixel = []
        for column, axis, low, high in zip(columns, axes, *corners, strict=True):
            share = (column.GetValue(row) - axis.GetMinimum()) / (axis.GetMaximum() - axis.GetMinimum())
            pixel.append(round(low + share * (high - low)))
        return tuple(pixel)

    def _emit_selection(self, *_: Any) -> None:
        """Tell the last choice on each curve, as qMRMLPlotViewPrivate::emitSelection does."""
        chosen = vtkCollection()
        for index in range(self._chart.GetNumberOfPlots()):
            rows = self._chart.GetPlot(index).GetSelection()
            if rows is not None and rows.GetNumberOfValues():
                chosen.AddItem(rows)
        self.dataSelected.emit(vtkStringArray(), chosen)
