"""Loads a `.ui` as Slicer's qt.QUiLoader does, with the stand-ins for the widgets of CTK and Slicer."""

from __future__ import annotations

from xml.etree import ElementTree

from host import ctk_widgets, qmrml_widgets
from PySide6 import QtUiTools
from PySide6.QtCore import QBuffer, QFile, QIODevice
from PySide6.QtWidgets import QWidget


class QUiLoader(QtUiTools.QUiLoader):
    """Stands for Qt's QUiLoader with the designer plugins of CTK (Libs/Widgets/Plugins/ctkWidgetsPlugins.h) and Slicer.

    Slicer's are in Libs/MRML/Widgets/DesignerPlugins/qMRMLWidgetsPlugin.h and, for the button "Show 3D", in
    Modules/Loadable/Segmentations/Widgets/DesignerPlugins/qSlicerSegmentationsModuleWidgetsPlugin.h.

    A Python signal has another signature than the C++ signal it stands for, so connections that the `.ui` names
    are made here, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        for widget_class in (*ctk_widgets.WIDGETS, *qmrml_widgets.WIDGETS):
            self.registerCustomWidget(widget_class)

    def load(self, file: QFile) -> QWidget:
        """Return the widget that an open `.ui` file describes."""
        root = ElementTree.fromstring(bytes(file.readAll().data()))
        connections = root.find("connections")
        if connections is not None:
            root.remove(connections)
        buffer = QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer)
        for connection in connections if connections is not None else ():
            _connect(widget, *(str(connection.findtext(tag)) for tag in ("sender", "signal", "receiver", "slot")))
        return widget


def _connect(widget: QWidget, sender: str, signal: str, receiver: str, slot: str) -> None:
    def member(owner: str, signature: str) -> object:
        found = widget if widget.objectName == owner else widget.findChild(QWidget, owner)
        return getattr(found, signature.partition("(")[0])

    member(sender, signal).connect(member(receiver, slot))
