"""The module's panel in a main window, handled as a user would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from host import application
from host.ctk_widgets import ctkCollapsibleButton
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QMessageBox

MODULE_FILE = application.REPOSITORY / "LungUNetSeg" / "LungUNetSeg.py"


class Panel:
    """Loads the module and shows it; `close` takes all away again."""

    def __init__(self, app: Any, wait_until: Callable[..., None]) -> None:
        self._app, self._wait_until = app, wait_until
        self.module = app.moduleManager().load(MODULE_FILE)
        self.window = application.qSlicerMainWindow()
        self.window.resize(1000, 1000)
        self.window.show()
        self.window.show_module(self.module)
        app.processEvents()

    def close(self) -> None:
        """Unload the module, as Slicer does when it quits, and close the window."""
        if self._app.moduleManager().module("LungUNetSeg") is not None:
            self._app.moduleManager().unload("LungUNetSeg")
        self.window.close()
        self.window.deleteLater()
        self._app.processEvents()

    @property
    def widget(self) -> Any:
        """The panel's Python object; another one after a reload."""
        return slicer.modules.LungUNetSegWidget

    @property
    def ui(self) -> Any:
        """The panel's widgets."""
        return self.widget.ui

    @property
    def parameters(self) -> Any:
        """The settings in the scene."""
        return self.widget.logic.getParameterNode()

    def click(self, button: Any) -> None:
        """Click a button with the mouse, if it is enabled; a closed section that it is in is opened first."""
        _open_sections(button)
        # A check box takes clicks on its box and text only, which are at its left.
        place = QPoint(8, button.height // 2) if isinstance(button, QCheckBox) else QPoint()
        _in_event_loop(lambda: QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=place))
        self._app.processEvents()

    def choose(self, box: Any, text: str) -> None:
        """Choose an entry of a list by its text, with the keyboard; its section is opened first."""
        _open_sections(box)
        inner = getattr(box, "_box", box)
        inner.setFocus()
        QTest.keyClicks(inner, text)
        self._app.processEvents()
        assert inner.currentText == text

    def run(self) -> None:
        """Click "Segment lungs" and wait for the end."""
        self.click(self.ui.applyButton)
        self._wait_until(lambda: not self.running)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return bool(self.widget.segmentPanel.running)

    def table(self) -> list[list[str]]:
        """Return the texts of the results table."""
        table = self.ui.resultsTable
        return [[table.item(row, column).text() for column in range(3)] for row in range(table.rowCount)]

    def answer(self, button: str) -> list[str]:
        """Click a button of the next dialog; return a list that will hold the dialog's texts."""
        seen: list[str] = []

        def look() -> None:
            box = self._app.activeModalWidget()
            if not isinstance(box, QMessageBox):
                timer.start()
                return
            seen.extend([str(box.text), str(box.detailedText)])
            self.click(next(each for each in box.buttons() if str(each.text).replace("&", "") == button))

        import qt

        timer = qt.QTimer(self.window)
        timer.setSingleShot(True)
        timer.interval = 20
        timer.connect("timeout()", look)
        timer.start()
        return seen


def _open_sections(widget: Any) -> None:
    while (widget := widget.parentWidget()) is not None:
        if isinstance(widget, ctkCollapsibleButton):
            widget.setCollapsed(False)


def _in_event_loop(action: Callable[[], None]) -> None:
    """Do something as in Slicer, whose event loop always runs: dialogs would delete themselves at once without one."""
    loop = QEventLoop()

    def act() -> None:
        try:
            action()
        finally:
            loop.quit()

    QTimer.singleShot(0, act)
    loop.exec()
