"""The base classes of a scripted module, slicer.ScriptedLoadableModule, and the translations, slicer.i18n.

Stands for Slicer's Base/Python/slicer/ScriptedLoadableModule.py and Base/Python/slicer/i18n.py: what a module inherits,
without the developer's section of the panel.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

import slicer


class ScriptedLoadableModule:
    """A module's descriptor."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.categories, parent.dependencies, parent.contributors = "", [], [], []
        parent.helpText = parent.acknowledgementText = ""
        icon = Path(parent.path).parent / "Resources" / "Icons" / f"{self.moduleName}.png"
        if icon.is_file():
            parent.icon = sys.modules["qt"].QIcon(str(icon))
        slicer.selfTests = {**getattr(slicer, "selfTests", {}), self.moduleName: self.runTest}

    def resourcePath(self, filename: str) -> str:
        """Return the path of a file under Resources."""
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        """Return a sentence that links to the module's documentation."""
        app = slicer.app
        url = app.documentationBaseUrl + docPage if docPage else app.moduleDocumentationUrl(self.moduleName)
        return f'<p>For more information, see the <a href="{url}">online documentation</a>.</p>'

    def runTest(self, msec: int = 100, **arguments: Any) -> None:
        """Run the module's self-test."""
        test = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**arguments)


class ScriptedLoadableModuleWidget:
    """A module's panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()  # the next mixin
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        """Return the path of a file under Resources."""
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """Make the panel; derived classes add to it."""

    def cleanup(self) -> None:
        """Let go of everything; called when the module is unloaded or reloaded."""

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        if moduleName == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """What a module does without a panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """Return the module's only parameter node in the scene; make it when there is none."""
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.AddNode(self.createParameterNode())
        # Closing a scene resets a singleton's attributes.
        node.SetAttribute("ModuleName", self.moduleName)
        return node

    def createParameterNode(self) -> Any:
        """Return a new parameter node that is not yet in the scene."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's self-test."""

    messageDelay = 0

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        """Say what is going on, and let the event loop catch up."""
        slicer.util.delayDisplay(message, self.messageDelay)

    def runTest(self) -> None:
        """Run every method with "test" in its name, one after the other."""
        self.setUpClass()
        for name in dir(self):
            if "test" in name and callable(getattr(self, name)):
                self.setUp()
                getattr(self, name)()
                self.tearDown()
        self.tearDownClass()


class Translations:
    """What the application translates: texts by (context, text), for tests that speak another language."""

    texts: dict[tuple[str, str], str] = {}


def translate(context: str, text: str) -> str:
    """Return the translation of a text, or the text."""
    return Translations.texts.get((context, text), text)


def tr(text: str) -> str:
    """Return the translation of a text in the context of the calling file, or the text."""
    caller = Path(sys._getframe(1).f_code.co_filename)
    package = f"{caller.parent.name}." if (caller.parent / "__init__.py").is_file() else ""
    return translate(package + caller.stem, text)
