"""The views of the application, as far as the module speaks to them: `slicer.app.layoutManager()`.

Nothing is drawn but plots that are clicked; the view nodes, the slices' logics and the plots' signals are real.
"""

from __future__ import annotations

from typing import Any

from host.plot_view import qMRMLPlotView
from PySide6.QtCore import Property, QObject
from PySide6.QtWidgets import QWidget
from slicer import vtkMRMLLayoutLogic, vtkMRMLSliceLogic


class qMRMLPlotWidget(QWidget):
    """Stands for Slicer's Libs/MRML/Widgets/qMRMLPlotWidget.h: a plot with its controller."""

    def __init__(self, node: Any) -> None:
        super().__init__()
        self._node, self._view = node, qMRMLPlotView(self, node)

    def mrmlPlotViewNode(self) -> Any:
        """Return the node of the view."""
        return self._node

    def plotView(self) -> qMRMLPlotView:
        """Return the plot."""
        return self._view


class qSlicerLayoutManager(QObject):
    """Stands for Slicer's Base/QTGUI/qSlicerLayoutManager.h and Libs/MRML/Widgets/qMRMLLayoutManager.h.

    Views are made when a layout that has them is chosen, and stay.

    Args:
        scene: Whose layout node is obeyed.
        application_logic: Is given the logics of the slice views.
    """

    def __init__(self, scene: Any, application_logic: Any) -> None:
        super().__init__()
        self._scene, self._application_logic = scene, application_logic
        self._plots: dict[str, qMRMLPlotWidget] = {}
        self._slices: dict[str, Any] = {}
        self._logic = vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        self._logic.GetLayoutNode().AddObserver("ModifiedEvent", self._make_views)
        self._make_views()

    plotViewCount = Property(int, lambda self: len(self._plots))

    def layoutLogic(self) -> vtkMRMLLayoutLogic:
        """Return what makes view nodes of a layout's description."""
        return self._logic

    def plotWidget(self, index: int) -> qMRMLPlotWidget:
        """Return a plot by its number."""
        return list(self._plots.values())[index]

    def let_go(self) -> None:
        """Forget the scene; a test that removes its singletons must do so first, as Slicer itself never does."""
        for logic in self._slices.values():
            self._application_logic.GetSliceLogics().RemoveItem(logic)
            logic.SetMRMLScene(None)
        self._slices.clear()
        self._logic.SetMRMLScene(None)

    def _make_views(self, *_: Any) -> None:
        for node in self._nodes("vtkMRMLPlotViewNode"):
            if node.GetID() not in self._plots:
                self._plots[node.GetID()] = qMRMLPlotWidget(node)
        for node in self._nodes("vtkMRMLSliceNode"):
            if node.GetID() not in self._slices:
                logic = vtkMRMLSliceLogic()
                logic.SetMRMLScene(self._scene)
                logic.SetSliceNode(node)
                self._slices[node.GetID()] = logic
                self._application_logic.GetSliceLogics().AddItem(logic)

    def _nodes(self, kind: str) -> list[Any]:
        return [self._scene.GetNthNodeByClass(i, kind) for i in range(self._scene.GetNumberOfNodesByClass(kind))]
