"""Starts Slicer's core without the application: the same scene, nodes and logic without a running Slicer.

On PyPI `slicer-core` holds Slicer's MRML scene, segmentation core and `slicer.util`, and `trame-slicer` an application
object around them (`pip install '.[slicer]'` in the checkout installs both). `start` supplies the few names of the
application that `LungUNetSegSlicer.logic` and what it calls use. There is no Qt, no panel and no module of Slicer's.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from LungUNetSegLib.errors import LungUNetSegError, MissingDependencyError


@cache
def start() -> Any:
    """Start Slicer's core in this process; later calls return the same one.

    Afterwards `slicer.mrmlScene` is its scene, and `LungUNetSegSlicer.logic` can be imported.

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
    slicer.i18n = sys.modules["slicer.i18n"] = ModuleType("slicer.i18n")
    slicer.i18n.tr = _tr
    return core


def _import_slicer() -> Any:
    try:
        import slicer
        import trame_slicer  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Slicer's core is not installed (no module {error.name!r}): in a checkout of LungUNetSeg, run `pip "
            "install '.[slicer]'`."
        ) from error
    if not hasattr(slicer, "vtkMRMLScene"):
        # The unrelated package slicer on PyPI has the same import name.
        raise MissingDependencyError(
            f"{slicer.__file__} is not Slicer's core but another package of that name. Remove it with: pip uninstall "
            'slicer; then: pip install --force-reinstall "slicer-core"'
        )
    return slicer


def _hush_vtk() -> None:
    """Let VTK report errors but no warnings: off screen each view causes several harmless ones."""
    from vtk import vtkLogger, vtkOutputWindow

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    vtkOutputWindow.GetInstance().SetDisplayModeToNever()


def _module(logic: Any) -> SimpleNamespace:
    """Return a stand-in for the application's `slicer.modules.<name>` that has its logic."""
    return SimpleNamespace(logic=lambda: logic)


def _tr(text: str) -> str:
    return text
