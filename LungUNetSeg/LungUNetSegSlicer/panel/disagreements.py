"""The panel's list of disagreements: a click moves the slice views to the place."""

from __future__ import annotations

from typing import Any

import slicer

from LungUNetSegLib.evaluation.disagreements import Disagreement
from LungUNetSegLib.texts import number_text
from LungUNetSegLib.volume.geometry import slice_number
from LungUNetSegSlicer.compare.slices import show_point
from LungUNetSegSlicer.panel.tables import fill_table, set_up_table
from LungUNetSegSlicer.panel.texts import disagreement_text, place_text

SHOWN = 10
"""Rows of the list; the report has twenty."""


class DisagreementsView:
    """The list of disagreements of a comparison.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._table = ui.disagreementsTable
        self._parts: tuple[Disagreement, ...] = ()
        set_up_table(self._table, narrow=(0, 1, 2, 3))
        self._table.connect("cellClicked(int,int)", self._choose)

    def show(self, parts: tuple[Disagreement, ...]) -> None:
        """List the largest of some disagreements; the list is hidden where there are none."""
        self._parts = parts[:SHOWN]
        rows = [
            (
                str(slice_number(each.slice)),
                number_text(each.volume_ml, 1),
                number_text(each.distance_mm, 1),
                disagreement_text(each.kind),
                place_text(each.lung, each.third),
            )
            for each in self._parts
        ]
        fill_table(self._table, rows, words=(3, 4))
        self._table.clearSelection()
        self._table.visible = bool(self._parts)

    def _choose(self, row: int, _column: int) -> None:
        show_point(slicer.mrmlScene, self._parts[row].point_lps)
