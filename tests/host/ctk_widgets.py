"""The widgets of CTK that the module uses: what `ctk` is in 3D Slicer.

Each stand-in has the properties, signals and methods of its C++ class that the panel's `.ui` and code use, and looks
about like it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from PySide6.QtCore import Property, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QToolButton,
    QWidget,
)

_UNLIMITED = 16777215  # QWIDGETSIZE_MAX


class ctkCollapsibleButton(QAbstractButton):
    """Stands for CTK's Libs/Widgets/ctkCollapsibleButton.h: a header that shows and hides what lies under it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = False
        self._header_height = self.fontMetrics().height() + 10
        self.setContentsMargins(0, self._header_height, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.clicked.connect(lambda: self.setCollapsed(not self._collapsed))

    def _is_collapsed(self) -> bool:
        return self._collapsed

    @Slot(bool)
    def setCollapsed(self, collapsed: bool) -> None:
        """Hide the contents, or show them again."""
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        for child in self.children():
            if isinstance(child, QWidget):
                child.setVisible(not collapsed)
        self.setMaximumHeight(self._header_height if collapsed else _UNLIMITED)
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, _is_collapsed, setCollapsed, notify=contentsCollapsed)

    def hitButton(self, position: QPoint) -> bool:
        """Only the header can be clicked."""
        return position.y() <= self._header_height

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the header: a flat bar with an arrow and the title."""
        painter = QPainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.rect.width(), self._header_height)
        painter.fillRect(option.rect, self.palette.mid())
        name = "PE_IndicatorArrowRight" if self._collapsed else "PE_IndicatorArrowDown"
        arrow = QStyle.PrimitiveElement[name]
        title = QRect(option.rect)
        title.setLeft(24)
        option.rect = QRect(6, (self._header_height - 12) // 2, 12, 12)
        self.style().drawPrimitive(arrow, option, painter, self)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic, str(self.text))


class ctkPathLineEdit(QWidget):
    """Stands for CTK's Libs/Widgets/ctkPathLineEdit.h: a path to type, and a button to browse for it."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {"nameFilters": [], "settingKey": "", "label": "", "showHistoryButton": True}
        self._edit = QLineEdit(self)
        self._browse = QToolButton(self)
        self._browse.setText("...")
        self._browse.clicked.connect(self.browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._edit)
        layout.addWidget(self._browse)
        self.setFocusProxy(self._edit)
        self._edit.textChanged.connect(self.currentPathChanged)

    def _path(self) -> str:
        return str(self._edit.text)

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        """Show a path as if it were typed."""
        # pathlib.Path() is written as "."; CTK shows that as it is.
        if path != self._path():
            self._edit.setText(path)

    @Slot()
    def browse(self) -> None:
        """Let the user choose a file."""
        path, _ = QFileDialog.getOpenFileName(self, self._values["label"], self._path(), ";;".join(self.nameFilters))
        if path:
            self.setCurrentPath(path)

    currentPath = Property(str, _path, setCurrentPath, notify=currentPathChanged)
    nameFilters = Property(
        "QStringList", lambda self: self._values["nameFilters"], lambda self, value: self._set("nameFilters", value)
    )
    settingKey = Property(
        str, lambda self: self._values["settingKey"], lambda self, value: self._set("settingKey", value)
    )
    showHistoryButton = Property(
        bool, lambda self: self._values["showHistoryButton"], lambda self, value: self._set("showHistoryButton", value)
    )

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value


class ctkMessageBox(QMessageBox):
    """Stands for CTK's Libs/Widgets/ctkMessageBox.h; slicer.util's dialogs are made of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings_key = ""

    dontShowAgainSettingsKey = Property(
        str, lambda self: self._settings_key, lambda self, value: setattr(self, "_settings_key", value)
    )


WIDGETS: tuple[type[QWidget], ...] = (ctkCollapsibleButton, ctkPathLineEdit)
"""What a `.ui` may name."""


def make_ctk_module() -> ModuleType:
    """Return the module `ctk`."""
    ctk = ModuleType("ctk")
    vars(ctk).update({each.__name__: each for each in (*WIDGETS, ctkMessageBox)})
    return ctk
