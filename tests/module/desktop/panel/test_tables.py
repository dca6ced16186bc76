"""The panel's tables in a narrow panel: texts wrap, and no row is hidden."""

from __future__ import annotations

import pytest

REGION = "Right lung, apical third by height"


@pytest.fixture
def table(app):
    """A table of two regions, shown."""
    import qt

    from LungUNetSegSlicer.panel.tables import fill_table, set_headers, set_up_table

    made = qt.QTableWidget(0, 2)
    made.verticalHeader().hide()
    set_up_table(made, narrow=(1,))
    set_headers(made, ["Region", "Volume (ml)"])
    fill_table(made, [(REGION, "1029"), (REGION, "1608")])
    made.show()
    yield made
    made.close()
    made.deleteLater()
    app.processEvents()


def inside(table):
    """Return the height of the table's header and rows."""
    return table.horizontalHeader().height + sum(table.rowHeight(row) for row in range(table.rowCount))


def test_a_text_wraps_when_the_panel_becomes_narrow_and_back(table, wait_until):
    """Protects the regions' names: with large letters or in a narrow panel "R..." was left of them."""
    table.setFixedWidth(500)
    wait_until(lambda: table.columnWidth(0) > 350)
    wait_until(lambda: table.height <= inside(table) + 4)
    wide = table.rowHeight(0)
    table.setFixedWidth(180)
    wait_until(lambda: table.rowHeight(0) > 1.5 * wide and table.height >= inside(table))
    table.setFixedWidth(500)
    wait_until(lambda: table.rowHeight(0) == wide and table.height <= inside(table) + 4)


def test_a_scroll_bar_hides_no_row(table, wait_until):
    """Protects the last row, which the bar covered."""
    table.horizontalHeader().setMinimumSectionSize(200)
    table.setFixedWidth(250)
    wait_until(lambda: table.horizontalScrollBar().visible)
    wait_until(lambda: table.viewport().height >= sum(table.rowHeight(row) for row in range(2)))


def test_a_unit_is_on_a_line_of_its_own(table):
    """Protects the room for words: a column of numbers is not wider than its longest word."""
    from LungUNetSegSlicer.panel.tables import set_headers

    def titles():
        return [table.horizontalHeaderItem(column).text() for column in range(2)]

    assert titles() == ["Region", "Volume\n(ml)"]
    set_headers(table, ["Mean density (HU)", "Right lung"])
    assert titles() == ["Mean density\n(HU)", "Right\nlung"]
