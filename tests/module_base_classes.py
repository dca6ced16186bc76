"""The base classes of a scripted module as far as LungUNetSeg.py needs them where there is no Qt.

They stand for Slicer's Base/Python/slicer/ScriptedLoadableModule.py and parameterNodeWrapper: with them the module can
be imported on Slicer's core alone, for its self-test. `install` comes after `LungUNetSegSlicer.server.start`.
"""

from __future__ import annotations

import sys
import unittest
from types import ModuleType
from typing import Any


class ScriptedLoadableModule:
    """A module's descriptor."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent


class ScriptedLoadableModuleWidget:
    """A module's panel, which can be defined and is never made."""


class ScriptedLoadableModuleLogic:
    """A module's logic; settings belong to the panel, so there is no parameter node."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's self-test, whose test methods unittest runs."""


def install() -> None:
    """Make the classes importable under the names that they have in Slicer."""
    import slicer

    slicer.i18n.translate = lambda context, text: text
    contents = {
        "ScriptedLoadableModule": {name: each for name, each in globals().items() if name.startswith("Scripted")},
        "parameterNodeWrapper": {"parameterNodeWrapper": lambda wrapped: wrapped},
    }
    for name, names in contents.items():
        module = ModuleType(f"slicer.{name}")
        vars(module).update(names)
        sys.modules[module.__name__] = module
        setattr(slicer, name, module)
