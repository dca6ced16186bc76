"""The table of a batch's scans, which fills as they are done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from LungUNetSegLib.texts import number_text
from LungUNetSegSlicer.panel.texts import finding_heading
from LungUNetSegSlicer.run.batch_results import BatchRow


class BatchTable:
    """Shows a row for each scan; a double click on one loads it.

    Args:
        widget: A QTableWidget of four columns: scan, right and left volume, remarks.
        on_chosen: Called with the row that was clicked twice.
    """

    def __init__(self, widget: Any, on_chosen: Callable[[BatchRow], None]) -> None:
        self._widget, self._on_chosen = widget, on_chosen
        self._rows: list[BatchRow] = []
        widget.connect("cellDoubleClicked(int,int)", self._choose)

    @property
    def is_empty(self) -> bool:
        """Whether there is no row."""
        return not self._rows

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
        self._widget.setRowCount(0)

    def show(self, row: BatchRow) -> None:
        """Add a row, or replace that of the same scan."""
        names = [each.name for each in self._rows]
        index = names.index(row.name) if row.name in names else len(names)
        if index == len(names):
            self._rows.append(row)
            self._widget.setRowCount(index + 1)
        self._rows[index] = row
        for column, text in enumerate((row.title, *_cells(row))):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            self._widget.setItem(index, column, item)
        for column in (1, 2):  # numbers are short; their room is the remarks'
            self._widget.resizeColumnToContents(column)

    def _choose(self, index: int, _column: int) -> None:
        self._on_chosen(self._rows[index])


def _cells(row: BatchRow) -> tuple[str, str, str]:
    if row.error:
        return "", "", _("Failed: {reason}").format(reason=row.error)
    volumes = row.report["volumes_ml"]
    headings = [finding_heading(each["code"]) or each["code"] for each in row.report["findings"]]
    return number_text(volumes.get("right")), number_text(volumes.get("left")), " ".join(dict.fromkeys(headings))
