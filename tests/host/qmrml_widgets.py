"""The widgets of Slicer that the module uses; they are attributes of `slicer` there."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from slicer import vtkMRMLNode, vtkMRMLScene, vtkSegmentation, vtkSegmentationConverter
from vtkmodules.vtkCommonCore import vtkCommand

_SCENE_EVENTS = (
    vtkMRMLScene.NodeAddedEvent,
    vtkMRMLScene.NodeRemovedEvent,
    vtkMRMLScene.EndCloseEvent,
    vtkMRMLScene.EndImportEvent,
)


_CLOSED_SURFACE = vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()


class _Observers:
    """Observers that are removed together."""

    def __init__(self) -> None:
        self._tags: list[tuple[Any, int]] = []

    def add(self, observed: Any, event: Any, callback: Any) -> None:
        self._tags.append((observed, observed.AddObserver(event, callback)))

    def remove(self, *_: Any) -> None:
        while self._tags:
            observed, tag = self._tags.pop()
            observed.RemoveObserver(tag)


class qMRMLWidget(QWidget):
    """Stands for Slicer's Libs/MRML/Widgets/qMRMLWidget.h: hands the scene on to the widgets in it."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: vtkMRMLScene | None = None

    def mrmlScene(self) -> vtkMRMLScene | None:
        """Return the scene that was set."""
        return self._scene

    @Slot(object)
    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        """Set the scene and say so."""
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """Stands for Slicer's Base/QTGUI/qSlicerScriptedLoadableModuleWidget.h: the frame around a Python panel."""

    def __init__(self, module_name: str, make: Any) -> None:
        super().__init__()
        QVBoxLayout(self)
        self.setObjectName(f"{module_name}ModuleWidget")
        self._make, self._entered = make, False
        self._python: Any = None

    def reload(self) -> None:
        """Make the panel's Python object anew and set it up."""
        self._python = self._make(self)
        self._python.setup()

    def self(self) -> Any:
        """Return the panel's Python object."""
        return self._python

    isEntered = Property(bool, lambda self: self._entered)

    def enter(self) -> None:
        """Tell the panel that the user comes."""
        self._entered = True
        self._call("enter")

    def exit(self) -> None:
        """Tell the panel that the user goes to another module."""
        self._entered = False
        self._call("exit")

    def _call(self, method: str) -> None:
        if hasattr(self._python, method):
            getattr(self._python, method)()


class qMRMLNodeComboBox(QWidget):
    """Stands for Slicer's Libs/MRML/Widgets/qMRMLNodeComboBox.h: the nodes of some types in the scene.

    Its entries are "None" (if enabled) and the nodes; the menu to add, rename and remove nodes is left out.
    """

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: vtkMRMLScene | None = None
        self._scene_observers, self._node_observers = _Observers(), _Observers()
        # A Python object outlives its widget; what it observes would call into nothing.
        self.destroyed.connect(self._scene_observers.remove)
        self.destroyed.connect(self._node_observers.remove)
        self._values: dict[str, Any] = {
            "nodeTypes": [], "noneEnabled": False, "addEnabled": True, "removeEnabled": True, "editEnabled": False,
            "renameEnabled": False, "showHidden": False, "showChildNodeTypes": True, "selectNodeUponCreation": True,
            "noneDisplay": "None", "baseName": "",
        }  # fmt: skip
        self._entries: list[tuple[str, str]] = []
        self._box = QComboBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self.setFocusProxy(self._box)
        self.setEnabled(False)
        self._box.currentIndexChanged.connect(self._say)

    def mrmlScene(self) -> vtkMRMLScene | None:
        """Return the scene whose nodes are listed."""
        return self._scene

    @Slot(object)
    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        """List this scene's nodes from now on; the widget is grey without one."""
        self._scene = scene
        self._scene_observers.remove()
        for event in _SCENE_EVENTS if scene else ():
            self._scene_observers.add(scene, event, self._update)
        self.setEnabled(scene is not None)
        self._update()

    def nodeCount(self) -> int:
        """Return how many nodes are listed."""
        return len(self._nodes())

    def currentNode(self) -> vtkMRMLNode | None:
        """Return the chosen node."""
        node_id = self._box.currentData
        return self._scene.GetNodeByID(node_id) if self._scene and node_id else None

    @Slot(object)
    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        """Choose a node, or none."""
        self.setCurrentNodeID(node.GetID() if node else "")

    @Slot(str)
    def setCurrentNodeID(self, node_id: str | None) -> None:
        """Choose a node by its ID; one that is not listed chooses none."""
        none = 0 if self._values["noneEnabled"] else -1
        found = self._box.findData(node_id) if node_id else -1
        self._box.setCurrentIndex(found if found >= 0 else none)

    def addNode(self) -> vtkMRMLNode | None:
        """Add a node of the first type, as the menu's "Create new" does."""
        if self._scene is None:
            return None
        name = self._scene.GenerateUniqueName(self._values["baseName"] or "Node")
        node = self._scene.AddNewNodeByClass(self._values["nodeTypes"][0], name)
        if self._values["selectNodeUponCreation"]:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def _nodes(self) -> list[vtkMRMLNode]:
        found: dict[str, vtkMRMLNode] = {}
        for node_type in self._values["nodeTypes"] if self._scene else ():
            nodes = self._scene.GetNodesByClass(node_type)
            nodes.UnRegister(None)
            found |= {node.GetID(): node for node in nodes if self._lists(node)}
        return list(found.values())

    def _lists(self, node: vtkMRMLNode) -> bool:
        if node.GetHideFromEditors() and not self._values["showHidden"]:
            return False
        return self._values["showChildNodeTypes"] or node.GetClassName() in self._values["nodeTypes"]

    def _update(self, *_: Any) -> None:
        """List the nodes anew and keep the choice; a choice that is gone becomes the last node, or none."""
        before, nodes = self._box.currentData, self._nodes()
        entries = [(node.GetName(), node.GetID()) for node in nodes]
        if self._values["noneEnabled"]:
            entries.insert(0, (self._values["noneDisplay"], ""))
        # A scene that closes tells of each of its nodes, most of which are of other types.
        if entries == self._entries:
            return
        self._entries = entries
        self._node_observers.remove()
        for node in nodes:
            self._node_observers.add(node, vtkCommand.ModifiedEvent, self._rename)
        was_blocked = self._box.blockSignals(True)
        self._box.clear()
        for name, node_id in entries:
            self._box.addItem(name, node_id)
        kept = self._box.findData(before) if before else -1
        gone = self._box.count - 1 if before and nodes and not self._values["noneEnabled"] else -1
        self._box.setCurrentIndex(kept if kept >= 0 else 0 if self._values["noneEnabled"] else gone)
        self._box.blockSignals(was_blocked)
        if (self._box.currentData or "") != (before or ""):
            self._say()

    def _rename(self, node: vtkMRMLNode, _event: str) -> None:
        index = self._box.findData(node.GetID())
        if index >= 0 and self._box.itemText(index) != node.GetName():
            self._box.setItemText(index, node.GetName())

    def _say(self, *_: Any) -> None:
        node = self.currentNode()
        self.currentNodeChanged.emit(node)
        self.currentNodeIDChanged.emit(node.GetID() if node else "")

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = list(value) if name == "nodeTypes" else value
        self._update()

    def _property(kind: Any, name: str) -> Any:
        return Property(kind, lambda self: self._values[name], lambda self, value: self._set(name, value))

    nodeTypes = _property("QStringList", "nodeTypes")
    noneEnabled = _property(bool, "noneEnabled")
    addEnabled = _property(bool, "addEnabled")
    removeEnabled = _property(bool, "removeEnabled")
    editEnabled = _property(bool, "editEnabled")
    renameEnabled = _property(bool, "renameEnabled")
    showHidden = _property(bool, "showHidden")
    showChildNodeTypes = _property(bool, "showChildNodeTypes")
    selectNodeUponCreation = _property(bool, "selectNodeUponCreation")
    noneDisplay = _property(str, "noneDisplay")
    baseName = _property(str, "baseName")
    currentNodeID = Property(
        str, lambda self: self._box.currentData or "", setCurrentNodeID, notify=currentNodeIDChanged
    )


class qMRMLSegmentationShow3DButton(QPushButton):
    """Stands for Slicer's Modules/Loadable/Segmentations/Widgets/qMRMLSegmentationShow3DButton.cxx, without its menu.

    It is pressed while a segmentation has surfaces: pressing makes them, releasing removes them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Show 3D", parent)
        self.setCheckable(True)
        self.setEnabled(False)
        self._segmentation: Any = None
        self._observers = _Observers()
        self.destroyed.connect(self._observers.remove)
        self.toggled.connect(self._make_or_remove)

    def segmentationNode(self) -> Any:
        """Return the segmentation that is shown."""
        return self._segmentation

    @Slot(object)
    def setSegmentationNode(self, node: Any) -> None:
        """Show whether this segmentation has surfaces, and make or remove them from now on."""
        if node is self._segmentation:
            return
        self._observers.remove()
        self._segmentation = node
        for event in (
            (vtkCommand.ModifiedEvent, vtkSegmentation.SegmentAdded, vtkSegmentation.SegmentRemoved,
             vtkSegmentation.ContainedRepresentationNamesModified) if node else ()
        ):  # fmt: skip
            self._observers.add(node, event, self._update)
        self._update()

    def _update(self, *_: Any) -> None:
        segmentation = self._segmentation.GetSegmentation() if self._segmentation else None
        self.setEnabled(segmentation is not None and segmentation.GetNumberOfSegments() > 0)
        if segmentation is not None:
            was_blocked = self.blockSignals(True)
            self.setChecked(segmentation.ContainsRepresentation(_CLOSED_SURFACE))
            self.blockSignals(was_blocked)

    def _make_or_remove(self, on: bool) -> None:
        if self._segmentation is not None:
            segmentation = self._segmentation.GetSegmentation()
            segmentation.CreateRepresentation(_CLOSED_SURFACE) if on else segmentation.RemoveRepresentation(
                _CLOSED_SURFACE
            )


WIDGETS: tuple[type[QWidget], ...] = (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentationShow3DButton)
"""What a `.ui` may name."""
