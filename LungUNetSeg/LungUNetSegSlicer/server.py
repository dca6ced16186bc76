"""Slicer's core without the application: the same scene, nodes and logic where no Slicer runs.

On PyPI `slicer-core` holds Slicer's MRML scene, segmentation core and `slicer.util`, and `trame-slicer` an application
object around them (the extra `lungunetseg[slicer]` installs both). `start` supplies the few names of the application
that `LungUNetSeg.py` uses, so that its logic and its self-test run as they do in Slicer. There is no Qt and no panel.
"""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from LungUNetSegLib.errors import LungUNetSegError, MissingDependencyError


@cache
def start() -> Any:
    """Start Slicer's core in this process, once; later calls give the same one.

    Afterwards `slicer.mrmlScene` is its scene, and `LungUNetSeg` can be imported.

    Returns:
        The `trame_slicer.core.SlicerApp`.

    Raises:
        MissingDependencyError: Slicer's core is not installed.
        LungUNetSegError: A Slicer application already runs in this process.
    """
    slicer = _import_slicer()
    if hasattr(slicer, "app"):
        raise LungUNetSegError("This process is a Slicer application already: use its scene, and start no server.")
    from trame_slicer.core import SlicerApp

    core = SlicerApp()
    _hush_vtk()
    slicer.mrmlScene = core.scene
    slicer.modules = SimpleNamespace(
        volumes=_module(core.volumes_logic),
        segmentations=_module(core.segmentations_logic),
        subjecthierarchy=_module(core.subject_hierarchy_logic),
    )
    for name, contents in _APPLICATION_MODULES.items():
        module = ModuleType(f"slicer.{name}")
        vars(module).update(contents)
        sys.modules[module.__name__] = module
        setattr(slicer, name, module)
    return core


def _import_slicer() -> Any:
    try:
        import slicer
        import trame_slicer  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Slicer's core is not installed (no module {error.name!r}). Install it with: pip install "
            '"lungunetseg[slicer]"'
        ) from error
    if not hasattr(slicer, "vtkMRMLScene"):
        # PyPI's package named slicer slices arrays, and takes the same import name.
        raise MissingDependencyError(
            f"{slicer.__file__} is not Slicer's core but another package of that name. Remove it with: pip uninstall "
            'slicer; then: pip install --force-reinstall "slicer-core"'
        )
    return slicer


def _hush_vtk() -> None:
    """Let VTK report errors, once, and no warnings: off screen it has several at each view, and none means anything."""
    from vtk import vtkLogger, vtkOutputWindow

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    vtkOutputWindow.GetInstance().SetDisplayModeToNever()


def _module(logic: Any) -> SimpleNamespace:
    """Return what `slicer.modules.<name>` is in the application, as far as its logic goes."""
    return SimpleNamespace(logic=lambda: logic)


class _Module:
    """Stands for slicer.ScriptedLoadableModule.ScriptedLoadableModule."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent


class _Widget:
    """Stands for ScriptedLoadableModuleWidget: panels can be defined on a server, and are never made."""


class _Logic:
    """Stands for ScriptedLoadableModuleLogic; settings belong to the panel, so there is no parameter node."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")


class _Test(unittest.TestCase):
    """Stands for ScriptedLoadableModuleTest; unittest or pytest runs its test methods."""


def _tr(text: str) -> str:
    return text


def _translate(context: str, text: str) -> str:
    return text


def _parameter_node_wrapper(wrapped: type) -> type:
    return wrapped


_APPLICATION_MODULES: dict[str, dict[str, Callable[..., Any]]] = {
    "ScriptedLoadableModule": {
        "ScriptedLoadableModule": _Module,
        "ScriptedLoadableModuleWidget": _Widget,
        "ScriptedLoadableModuleLogic": _Logic,
        "ScriptedLoadableModuleTest": _Test,
    },
    "i18n": {"tr": _tr, "translate": _translate},
    "parameterNodeWrapper": {"parameterNodeWrapper": _parameter_node_wrapper},
}
