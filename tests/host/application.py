"""The application object and a main window: what slicer-core lacks to show a module's panel.

Stands for Slicer's Base/QTCore/qSlicerCoreApplication.h and Base/QTGUI/qSlicerApplication.h (`slicer.app`) and
Base/QTApp/qSlicerMainWindow.h. `LungUNetSegSlicer.server.core` starts the scene and the logics; `start` puts Qt and the
rest of the application around them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from host import enums  # noqa: F401  before PySide6
from host.display import ensure_display
from PySide6.QtCore import Property, QSettings, Qt, Signal
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QScrollArea, QWidget

REPOSITORY = Path(__file__).resolve().parents[2]


@cache
def start() -> qSlicerApplication:
    """Start the application in this process, once; return `slicer.app`."""
    ensure_display()
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
    if str(REPOSITORY / "LungUNetSeg") not in sys.path:
        sys.path.append(str(REPOSITORY / "LungUNetSeg"))
    from LungUNetSegSlicer import server

    core = server.start()
    import slicer

    english = slicer.i18n.tr
    from host import ctk_widgets, pythonqt, qmrml_widgets, scripted_module, ui_loader

    qt = _install("qt", pythonqt.make_qt_module())
    qt.QUiLoader = ui_loader.QUiLoader
    _install("ctk", ctk_widgets.make_ctk_module())
    for widget_class in (*qmrml_widgets.WIDGETS, qmrml_widgets.qSlicerScriptedLoadableModuleWidget):
        setattr(slicer, widget_class.__name__, widget_class)
    _install("slicer.ScriptedLoadableModule", scripted_module)
    _install("slicer.i18n", scripted_module)

    # What headless tests of the same process have imported would speak English only.
    for name, module in sys.modules.items():
        if name.startswith("LungUNetSegSlicer.") and getattr(module, "_", None) is english:
            vars(module)["_"] = scripted_module.tr

    from host import parameter_node  # needs qt and ctk

    _install("slicer.parameterNodeWrapper", parameter_node)
    slicer.app = qSlicerApplication(core)
    return slicer.app


def _install(name: str, module: Any) -> Any:
    """Make a module importable under the name that it has in Slicer."""
    sys.modules[name] = module
    package, _, attribute = name.rpartition(".")
    if package:
        setattr(sys.modules[package], attribute, module)
    return module


class qSlicerMainWindow(QMainWindow):
    """A window with the module's panel at its left and room for the views."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setCentralWidget(QWidget())
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        dock = QDockWidget("Module", self)
        dock.setWidget(self._scroll)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        self.resizeDocks([dock], [430], Qt.Orientation.Horizontal)

    def show_module(self, module: Any) -> None:
        """Show a module's panel, as when the user chooses it in the menu."""
        self._scroll.takeWidget()
        self._scroll.setWidget(module.widgetRepresentation())
        module.widgetRepresentation().enter()


class qSlicerApplication(QApplication):
    """`slicer.app`."""

    startupCompleted = Signal()

    def __init__(self, core: Any) -> None:
        super().__init__([sys.executable])
        from host.module_manager import qSlicerModuleManager

        self._core = core
        self._temporary = tempfile.TemporaryDirectory(prefix="slicer-host-")
        self._module_manager = qSlicerModuleManager()
        self._testing = False
        self._layout_manager: Any = None
        self.setApplicationName("Slicer")
        self.setStyle("Fusion")
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, self._temporary.name)

    temporaryPath = Property(str, lambda self: self._temporary.name)
    documentationBaseUrl = Property(str, lambda self: "https://slicer.readthedocs.io/en/latest/")

    def moduleDocumentationUrl(self, name: str) -> str:
        """Return where the documentation of a module lies."""
        return f"{self.documentationBaseUrl}user_guide/modules/{name.lower()}.html"

    def moduleManager(self) -> Any:
        """Return what loads and unloads modules."""
        return self._module_manager

    def layoutManager(self) -> Any:
        """Return what makes the views."""
        from host.layout_manager import qSlicerLayoutManager

        # Tests empty the scene of singletons too.
        if self._layout_manager is None or not self._layout_manager.layoutLogic().GetLayoutNode():
            self._layout_manager = qSlicerLayoutManager(self.mrmlScene(), self.applicationLogic())
        return self._layout_manager

    def coreIOManager(self) -> Any:
        """Return what reads and writes nodes."""
        from host.io_manager import qSlicerCoreIOManager

        return qSlicerCoreIOManager(self.mrmlScene())

    def testingEnabled(self) -> bool:
        """Whether Slicer was started with --testing: no dialogs."""
        return self._testing

    def userSettings(self) -> QSettings:
        """Return the user's settings, which here are forgotten at the end."""
        return QSettings()

    def applicationLogic(self) -> Any:
        """Return the application logic: selection, slice and view logics."""
        return self._core.app_logic

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._core.scene
