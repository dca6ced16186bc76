"""The widgets of CTK that the module uses: what `ctk` is in 3D Slicer.

Each stand-in has the properties, signals and methods of its C++ class that the panel's `.ui` and code use, and looks
about like it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from PySide6.QtCore import Property, QEvent, QObject, QPoint, QRect, QRegularExpression, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QRegularExpressionValidator, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QToolButton,
    QWidget,
)

_UNLIMITED = 16777215  # QWIDGETSIZE_MAX


class ctkCollapsibleButton(QAbstractButton):
    """Stands for CTK's Libs/Widgets/ctkCollapsibleButton.cpp: a header that shows and hides what lies under it.

    As there (`eventFilter`, `setChildVisibility`), a child that was hidden stays hidden when the section opens, and one
    that is shown while the section is closed is seen when it opens.
    """

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = self._forces = False
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
        self._update_children()
        self.setMaximumHeight(self._header_height if collapsed else _UNLIMITED)
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, _is_collapsed, setCollapsed, notify=contentsCollapsed)

    def showEvent(self, event: QShowEvent) -> None:
        """Hide the children that came while the section was closed."""
        self._update_children()

    def eventFilter(self, child: QObject, event: QEvent) -> bool:
        """Remember what others say of a child's visibility."""
        if not self._forces and event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            child.setProperty("visibilityToParent", event.type() == QEvent.Type.ShowToParent)
            self._update_children()
        return False

    def _update_children(self) -> None:
        """Show and hide the children, which are looked after from the first time on."""
        if not self.testAttribute(Qt.WidgetAttribute.WA_WState_Created):
            return
        self._forces = True
        for child in (each for each in self.children() if isinstance(each, QWidget)):
            if child.property("visibilityToParent") is None:
                child.setProperty("visibilityToParent", not child.isHidden())
                child.installEventFilter(self)
            wanted = bool(child.property("visibilityToParent"))
            child.setVisible(wanted and not self._collapsed)
            child.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, not wanted)
        self._forces = False

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
    """Stands for CTK's Libs/Widgets/ctkPathLineEdit.cpp: a path to type, those of before, and a button to browse.

    As there (`updateHasValidInput`), a text that the name filters do not match is shown all the same, and
    `currentPathChanged` does not tell of it; `validInputChanged` tells when a text of one kind follows the other.
    """

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {"nameFilters": [], "settingKey": "", "label": ""}
        self._is_valid = False
        self._validator = QRegularExpressionValidator(self)
        self._box = QComboBox(self)
        self._box.setEditable(True)
        self._box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._edit = self._box.lineEdit()
        self._edit.setValidator(self._validator)
        browse = QToolButton(self)
        browse.setText("...")
        browse.clicked.connect(self.browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._box)
        layout.addWidget(browse)
        self.setFocusProxy(self._edit)
        self._set_name_filters([])
        self._edit.textChanged.connect(self._say)

    def comboBox(self) -> QComboBox:
        """Return the editable list in which the path is typed."""
        return self._box

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        """Show a path as if it were typed."""
        # pathlib.Path() is written as "."; CTK shows that as it is.
        self._edit.setText(path)

    @Slot()
    def browse(self) -> None:
        """Let the user choose a file."""
        path, _ = QFileDialog.getOpenFileName(self, self._values["label"], self._path(), ";;".join(self.nameFilters))
        if path:
            self.setCurrentPath(path)

    def _path(self) -> str:
        return str(self._edit.text)

    def _say(self, path: str) -> None:
        was_valid, self._is_valid = self._is_valid, bool(self._edit.hasAcceptableInput())
        if self._is_valid:
            self.currentPathChanged.emit(path)
        if self._is_valid != was_valid:
            self.validInputChanged.emit(self._is_valid)

    def _set_name_filters(self, filters: list[str]) -> None:
        self._values["nameFilters"] = list(filters)
        self._validator.setRegularExpression(QRegularExpression(name_filters_to_pattern(filters)))

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value

    currentPath = Property(str, _path, setCurrentPath, notify=currentPathChanged)
    nameFilters = Property("QStringList", lambda self: self._values["nameFilters"], _set_name_filters)
    settingKey = Property(
        str, lambda self: self._values["settingKey"], lambda self, value: self._set("settingKey", value)
    )


def name_filters_to_pattern(filters: Sequence[str]) -> str:
    """Return what a path must match, as CTK's Libs/Core/ctkUtils.cpp, `nameFiltersToRegularExpression`.

    Of each filter only the parts of the form ``*.ext`` count, in brackets or alone: a name such as ``manifest.json``
    and a lone ``*`` allow nothing.
    """
    patterns = []
    for each in filters:
        in_brackets = re.fullmatch(r"(.*)\(([a-zA-Z0-9_.*? +;#\-\[\]@{}/!<>$%&=^~:|]*)\)", each)
        is_wild_card = re.fullmatch(r"[\w\s.*_~$\[\]]+", each)
        # Without brackets the whole filter is one part, and the first ending in it the only one that counts.
        parts = in_brackets.group(2).split() if in_brackets else [each] if is_wild_card else []
        endings = (re.search(r"\*\.(\w+)", part) for part in parts)
        patterns += [rf".*\.{ending.group(1)}?$" for ending in endings if ending]
    return f"({'|'.join(patterns)})" if patterns else ".+"


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
