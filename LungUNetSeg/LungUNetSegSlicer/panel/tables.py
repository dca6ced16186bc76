"""Fills the panel's tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import qt


def fill_table(table: Any, rows: Sequence[Sequence[str]], *, words: Collection[int] = (0,)) -> None:
    """Fill a table and make it as high as its rows.

    Args:
        table: A QTableWidget.
        rows: Texts.
        words: Columns that are no numbers, which are aligned to the right.
    """
    table.setRowCount(len(rows))
    table.setColumnCount(max((len(texts) for texts in rows), default=table.columnCount))
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if column not in words:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            table.setItem(row, column, item)
    rows_height = sum(table.rowHeight(row) for row in range(len(rows)))
    table.setFixedHeight(table.horizontalHeader().sizeHint.height() + rows_height + 2 * table.frameWidth)
