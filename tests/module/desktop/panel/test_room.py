"""The panel in little room, and with the keyboard alone."""

from __future__ import annotations

import pytest
from host.ctk_widgets import ctkCollapsibleButton
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QPushButton, QTableWidget

NARROW = 300
"""As narrow as users make a panel on a laptop, in pixels."""

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def opened(app, panel, phantom_node):
    """The panel after a run, with all sections open."""
    panel.run()
    for each in panel.window.findChildren(ctkCollapsibleButton):
        each.setCollapsed(False)
    app.processEvents()
    return panel


def test_the_whole_panel_fits_into_a_narrow_window(opened, wait_until):
    """Protects a laptop's views: Slicer makes no panel narrower than its widest line, which had 373 pixels."""
    frame = opened.module.widgetRepresentation()
    assert frame.minimumSizeHint.width() <= NARROW
    frame.setFixedWidth(NARROW)
    tables = [opened.ui.resultsTable, opened.ui.densityTable, opened.ui.regionsTable, opened.ui.doubtfulTable]
    wait_until(lambda: all(each.horizontalHeader().length() <= each.viewport().width for each in tables))


def test_the_tab_key_goes_from_top_to_bottom(app, opened):
    """Protects users without a mouse: each section's header, and what is in it, come in the order that is seen."""
    window, visited = opened.window, [opened.ui.inputsCollapsibleButton]
    visited[0].setFocus()
    while True:
        window.focusNextPrevChild(True)
        if window.focusWidget() in visited:
            break
        visited.append(window.focusWidget())
    visited = [each for each in visited if each.objectName in vars(opened.ui)]
    assert visited == sorted(visited, key=lambda each: _row_and_column(each, window))
    for kind, least in ((ctkCollapsibleButton, 9), (QTableWidget, 4), (QPushButton, 10)):
        assert sum(isinstance(each, kind) for each in visited) >= least


def _row_and_column(widget, window):
    """Return where a widget's middle lies, in lines of text and in pixels."""
    middle = widget.mapTo(window, QPoint(widget.width // 2, widget.height // 2))
    if isinstance(widget, ctkCollapsibleButton):  # its contents belong to it
        middle = widget.mapTo(window, QPoint(0, 0))
    return round(middle.y() / 12), middle.x()
