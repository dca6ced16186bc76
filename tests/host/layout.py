"""A layout's description made into splitters and the widgets of its views.

Stands for CTK's Libs/Widgets/ctkLayoutManager.cpp, processLayoutElement: the items of a split layout get their
``splitSize`` as first sizes; where none has one, QSplitter shares out by what each view asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

SLICE_HEIGHT, OTHER_HEIGHT = 96, 902
"""What views of slices and all others ask for, of 1000 pixels: the first was seen in Slicer 5.12 without ``splitSize``,
the other is what it leaves."""


class View(QWidget):
    """A view's frame, which asks for the height that the real one asks for."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._height = SLICE_HEIGHT if kind == "vtkMRMLSliceNode" else OTHER_HEIGHT

    def sizeHint(self) -> QSize:
        """Return what the view asks for."""
        return QSize(200, self._height)


def build(description: str, make_view: Callable[[str, str], QWidget]) -> QWidget:
    """Return the widget that a layout's XML describes.

    Args:
        description: As the layout node holds it.
        make_view: Returns a view's widget for its node's class and singleton tag.
    """
    return _element(ElementTree.fromstring(description), make_view)


def _element(element: ElementTree.Element, make_view: Callable[[str, str], QWidget]) -> QWidget:
    if element.tag == "view":
        return make_view(element.get("class", ""), element.get("singletontag", ""))
    is_vertical = element.get("type") == "vertical"
    children = [_element(item[0], make_view) for item in element]
    if element.get("split") != "true":
        frame = QWidget()
        layout = QVBoxLayout(frame) if is_vertical else QHBoxLayout(frame)
        layout.setContentsMargins(0, 0, 0, 0)
        for child in children:
            layout.addWidget(child)
        return frame
    splitter = QSplitter(Qt.Orientation.Vertical if is_vertical else Qt.Orientation.Horizontal)
    for child in children:
        splitter.addWidget(child)
    sizes = [int(item.get("splitSize", "0")) for item in element]
    if any(sizes):
        splitter.setSizes(sizes)
    return splitter
