"""Shows a layout of this module in place of the user's, and restores what was the user's: layout, window and level.

Slicer does not signal that it saves a scene, so the scene never holds a layout that a Slicer without this module could
not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import slicer
from slicer import vtkMRMLLayoutNode


class OwnLayout:
    """A layout with views of its own, so that the user's views keep their contents.

    Args:
        layout_id: Any number that no other layout has; Slicer's own are below 1000.
        description: Its XML.
        on_left: Called when the user left by choosing another layout in Slicer.
    """

    _users: ClassVar[int] = vtkMRMLLayoutNode.SlicerLayoutConventionalView
    """The user's layout, to which all layouts of this module lead back."""

    _ids: ClassVar[set[int]] = set()

    def __init__(self, layout_id: int, description: str, on_left: Callable[[], None]) -> None:
        self._id, self._description, self._on_left = layout_id, description, on_left
        self._ids.add(layout_id)
        self._observed: tuple[vtkMRMLLayoutNode, int] | None = None

    def show(self, *, anew: bool = False) -> None:
        """Activate the layout; with `anew`, views of it that the user removed are made again."""
        self._let_go()
        layout = layout_node()
        if layout.GetViewArrangement() not in self._ids:
            OwnLayout._users = layout.GetViewArrangement()
        elif layout.GetViewArrangement() == self._id and anew:
            layout.SetViewArrangement(self._users)
        if layout.IsLayoutDescription(self._id):
            layout.SetLayoutDescription(self._id, self._description)
        else:
            layout.AddLayoutDescription(self._id, self._description)
        layout.SetViewArrangement(self._id)
        layout.SetSaveWithScene(False)  # a Slicer without this layout would show no view at all
        self._observed = layout, layout.AddObserver("ModifiedEvent", self._on_modified)

    def leave(self) -> None:
        """Restore the user's layout, if this one is active."""
        if self._observed is not None:
            self._let_go()
            layout_node().SetViewArrangement(self._users)

    def _on_modified(self, layout: vtkMRMLLayoutNode, _event: str) -> None:
        if layout.GetViewArrangement() != self._id:
            self._let_go()
            self._on_left()

    def _let_go(self) -> None:
        if self._observed is not None:
            layout, observer = self._observed
            layout.RemoveObserver(observer)
            layout.SetSaveWithScene(True)
            self._observed = None


def view_item(kind: str, tag: str, properties: Mapping[str, object]) -> str:
    """Return a view as an item of a layout's description.

    Args:
        kind: Class name of its node, without "vtkMRML" and "Node".
        tag: Singleton tag of the node.
        properties: Such as ``viewlabel``.
    """
    texts = (f'<property name="{name}" action="default">{each}</property>' for name, each in properties.items())
    return f'<item><view class="vtkMRML{kind}Node" singletontag="{tag}">{"".join(texts)}</view></item>'


@dataclass(frozen=True)
class WindowState:
    """The user's window and level of a CT.

    Attributes:
        node: The display node.
        auto: Whether Slicer chose it.
        window, level: In HU.
    """

    node: Any
    auto: bool
    window: float
    level: float

    def restore(self) -> None:
        """Restore these settings."""
        self.node.SetWindowLevel(self.window, self.level)
        self.node.SetAutoWindowLevel(self.auto)


def window_of(image_node: Any) -> list[WindowState]:
    """Return a CT's window and level; nothing without a CT, or before it has a display."""
    display = image_node.GetDisplayNode() if image_node is not None else None
    if display is None:
        return []
    return [WindowState(display, display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel())]


def layout_node() -> vtkMRMLLayoutNode:
    """Return the scene's layout."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def view_node(tag: str, kind: str) -> Any:
    """Return a view of the layout."""
    return slicer.mrmlScene.GetSingletonNode(tag, kind)
