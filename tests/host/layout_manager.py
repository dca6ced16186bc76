"""The views of the application, as far as the module speaks to them: `slicer.app.layoutManager()`.

Nothing is drawn but plots that are clicked; the view nodes, the slices' logics and the plots' signals are real.
"""

from __future__ import annotations

from typing import Any

from host import layout
from host.plot_view import qMRMLPlotView
from PySide6.QtCore import Property, QObject, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from slicer import vtkMRMLLayoutLogic, vtkMRMLScene, vtkMRMLSliceLogic
from vtk import VTK_OBJECT, calldata_type

VIEWPORT = (1200, 1000)
"""Width and height of the room for views, in pixels."""


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


class qMRMLThreeDWidget(QWidget):
    """Stands for Slicer's Libs/MRML/Widgets/qMRMLThreeDWidget.h: a 3D view with its controller, its camera and legends.

    The legends are those that Modules/Loadable/Colors/MRMLDM/vtkMRMLColorLegendDisplayableManager.cxx would draw: it
    learns of a legend when it is added to the scene, and of none that was there before the view.
    """

    def __init__(self, node: Any) -> None:
        super().__init__()
        self._node, self._view = node, layout.View("vtkMRMLViewNode")
        self._legends: list[Any] = []
        scene = node.GetScene()
        scene.AddNewNodeByClass("vtkMRMLCameraNode").SetLayoutName(node.GetLayoutName())

        @calldata_type(VTK_OBJECT)
        def learn(_scene: Any, _event: Any, added: Any) -> None:
            if added.IsA("vtkMRMLColorLegendDisplayNode"):
                self._legends.append(added)

        self._observed = scene, scene.AddObserver(vtkMRMLScene.NodeAddedEvent, learn)

    def mrmlViewNode(self) -> Any:
        """Return the node of the view."""
        return self._node

    def threeDView(self) -> QWidget:
        """Return the view without its controller."""
        return self._view

    def legends(self) -> list[Any]:
        """Return the legends that are drawn."""
        return [each for each in self._legends if each.GetScene() is not None]

    def let_go(self) -> None:
        """Stop looking at the scene."""
        scene, tag = self._observed
        scene.RemoveObserver(tag)


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
        self._three_ds: dict[str, qMRMLThreeDWidget] = {}
        self._slices: dict[str, Any] = {}
        self._shown: dict[str, QWidget] = {}
        self._description = ""
        self._viewport = QWidget()
        self._viewport.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self._viewport.resize(*VIEWPORT)
        QVBoxLayout(self._viewport).setContentsMargins(0, 0, 0, 0)
        self._logic = vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        node = self._logic.GetLayoutNode()
        self._observed = node, node.AddObserver("ModifiedEvent", self._make_views)
        self._make_views()

    plotViewCount = Property(int, lambda self: len(self._plots))
    threeDViewCount = Property(int, lambda self: len(self._three_ds))

    def layoutLogic(self) -> vtkMRMLLayoutLogic:
        """Return what makes view nodes of a layout's description."""
        return self._logic

    def plotWidget(self, index: int) -> qMRMLPlotWidget:
        """Return a plot by its number."""
        return list(self._plots.values())[index]

    def threeDWidget(self, index: int) -> qMRMLThreeDWidget:
        """Return a 3D view by its number."""
        return list(self._three_ds.values())[index]

    def heights(self) -> dict[str, int]:
        """Return the height of each view of the layout that is shown, by its singleton tag."""
        return {tag: int(view.height) for tag, view in self._shown.items()}

    def resize_views(self, width: int, height: int) -> None:
        """Give the views this room."""
        self._viewport.resize(width, height)

    def let_go(self) -> None:
        """Forget the scene; a test that removes its singletons must do so first, as Slicer itself never does."""
        for logic in self._slices.values():
            self._application_logic.GetSliceLogics().RemoveItem(logic)
            logic.SetMRMLScene(None)
        self._slices.clear()
        for view in self._three_ds.values():
            view.let_go()
        self._three_ds.clear()
        node, tag = self._observed
        node.RemoveObserver(tag)
        self._logic.SetMRMLScene(None)

    def _make_views(self, *_: Any) -> None:
        for node in self._nodes("vtkMRMLPlotViewNode"):
            if node.GetID() not in self._plots:
                self._plots[node.GetID()] = qMRMLPlotWidget(node)
        for node in self._nodes("vtkMRMLViewNode"):
            if node.GetID() not in self._three_ds:
                self._three_ds[node.GetID()] = qMRMLThreeDWidget(node)
        for node in self._nodes("vtkMRMLSliceNode"):
            if node.GetID() not in self._slices:
                logic = vtkMRMLSliceLogic()
                logic.SetMRMLScene(self._scene)
                logic.SetSliceNode(node)
                self._slices[node.GetID()] = logic
                self._application_logic.GetSliceLogics().AddItem(logic)
        self._arrange()

    def _arrange(self) -> None:
        description = self._logic.GetLayoutNode().GetCurrentLayoutDescription() or ""
        if description == self._description or not description.strip():
            return
        self._description, self._shown = description, {}
        while self._viewport.layout().count():
            self._viewport.layout().takeAt(0).widget().deleteLater()
        self._viewport.layout().addWidget(layout.build(description, self._view_widget))
        self._viewport.show()

    def _view_widget(self, kind: str, tag: str) -> QWidget:
        view = next((each for each in self._three_ds.values() if each.mrmlViewNode().GetSingletonTag() == tag), None)
        # A widget of its own in each layout, for the splitters of the last one are deleted with all that is in them.
        frame = layout.View(kind)
        if kind == "vtkMRMLViewNode" and view is not None:
            view._view = frame
        self._shown[tag] = frame
        return frame

    def _nodes(self, kind: str) -> list[Any]:
        return [self._scene.GetNthNodeByClass(i, kind) for i in range(self._scene.GetNumberOfNodesByClass(kind))]
