"""Two lists in the panel for choosing by hand which structure of a node is the right lung and which the left."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.compare.lung_sides import Side, Sides
from LungUNetSegSlicer.compare.sources import list_structures


class SideChoice:
    """The lists of one node. Each begins with "Automatic".

    Args:
        right: QComboBox for the right lung.
        left: QComboBox for the left lung.
    """

    def __init__(self, right: Any, left: Any) -> None:
        self._right, self._left = right, left
        self._keys: list[str] = []
        self.show(None)

    def show(self, node: Any) -> None:
        """List a node's structures; both lists are set to "Automatic" again."""
        try:
            structures = list_structures(node) if node is not None else []
        except LungUNetSegError:
            structures = []  # the comparison reports what is wrong
        self._keys = [each.key for each in structures]
        for box in (self._right, self._left):
            box.clear()
            box.addItem(_("Automatic"))
            for each in structures:
                box.addItem(each.name)
            box.enabled = bool(structures)

    @property
    def sides(self) -> Sides | None:
        """The chosen sides; None if nothing was chosen. One structure chosen twice is both lungs."""
        right, left = self._key(self._right), self._key(self._left)
        if right is not None and right == left:
            return {right: Side.BOTH}
        sides = {key: side for key, side in ((right, Side.RIGHT), (left, Side.LEFT)) if key is not None}
        return sides or None

    def _key(self, box: Any) -> str | None:
        return self._keys[box.currentIndex - 1] if box.currentIndex > 0 else None
