"""Fills the panel's tables, and keeps them readable in a narrow panel and with large letters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import qt


def set_up_table(table: Any, narrow: Collection[int] = ()) -> None:
    """Let a table's texts wrap instead of being cut, however wide the panel is.

    Args:
        table: A QTableWidget.
        narrow: Columns as wide as their texts; the others share the rest.
    """
    header = table.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.Stretch)
    for column in narrow:
        header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
    later = qt.QTimer(table)  # a row's height is known once the columns have their widths
    later.setSingleShot(True)
    later.connect("timeout()", lambda: _fit_rows(table))
    header.connect("sectionResized(int,int,int)", lambda *_: later.start(0))


def set_headers(table: Any, titles: Sequence[str]) -> None:
    """Set a table's titles, so that columns of numbers are narrow: a unit, else all words but the first, is below."""
    broken = (title.replace(" (", "\n(") if "(" in title else title.replace(" ", "\n", 1) for title in titles)
    table.setHorizontalHeaderLabels(list(broken))


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
    _fit_rows(table)


def _fit_rows(table: Any) -> None:
    """Make each row as high as its texts in the columns' present widths, and the table as high as its rows."""
    table.resizeRowsToContents()
    header = table.horizontalHeader()
    height = header.sizeHint.height() + sum(table.rowHeight(row) for row in range(table.rowCount))
    if header.length() > table.viewport().width:
        height += table.horizontalScrollBar().sizeHint.height()
    table.setFixedHeight(height + 2 * table.frameWidth)
