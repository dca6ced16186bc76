"""Loading, showing and unloading scripted modules.

Stands for Slicer's Base/QTCore/qSlicerModuleManager.h, Base/QTGUI/qSlicerScriptedLoadableModule.h and
Base/QTCore/qSlicerScriptedUtils.cxx.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from host.qmrml_widgets import qSlicerScriptedLoadableModuleWidget
from PySide6.QtCore import QObject, Signal


class qSlicerScriptedLoadableModule:
    """A loaded module: what its descriptor sets, and its panel."""

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.icon, self.hidden = str(path), path.stem, None, False
        self._panel: qSlicerScriptedLoadableModuleWidget | None = None
        self._descriptor = getattr(_load_source(path), path.stem)(self)

    def widgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget:
        """Return the module's panel; make it at the first call."""
        if self._panel is None:
            self._panel = qSlicerScriptedLoadableModuleWidget(self.name, self._make_widget)
            self._panel.setMRMLScene(slicer.mrmlScene)
            self._panel.reload()
        return self._panel

    def _make_widget(self, parent: qSlicerScriptedLoadableModuleWidget) -> Any:
        widget = getattr(sys.modules[self.name], f"{self.name}Widget")(parent)
        setattr(slicer.modules, f"{self.name}Widget", widget)
        return widget


class qSlicerModuleManager(QObject):
    """Loads and unloads modules."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, qSlicerScriptedLoadableModule] = {}

    def module(self, name: str) -> qSlicerScriptedLoadableModule | None:
        """Return a loaded module."""
        return self._modules.get(name)

    def load(self, path: Path) -> qSlicerScriptedLoadableModule:
        """Do what Slicer does at its start for a module file that it found."""
        module = qSlicerScriptedLoadableModule(path)
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        self.moduleLoaded.emit(module.name)
        return module

    def unload(self, name: str) -> None:
        """Do what Slicer does at its end for each module."""
        self.moduleAboutToBeUnloaded.emit(name)
        panel = self._modules.pop(name)._panel
        if panel is not None:
            panel.deleteLater()
        delattr(slicer.modules, name.lower())
        vars(slicer.modules).pop(f"{name}Widget", None)


def _load_source(path: Path) -> ModuleType:
    """Import a module's file afresh under its name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
