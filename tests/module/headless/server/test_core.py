"""Slicer's core on a server: the module's logic runs with no application, no Qt and no torch."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from children import CHECKOUT, MODULE_FOLDER, TESTS, clean_python

from LungUNetSegLib.errors import LungUNetSegError, MissingDependencyError
from LungUNetSegSlicer import server

USE_THE_LOGIC = """
from LungUNetSegSlicer import server
core = server.start()
assert server.start() is core
import slicer
assert slicer.mrmlScene is core.scene
from LungUNetSegSlicer.logic import LungLogic
logic = LungLogic()
import module_base_classes
module_base_classes.install()
import LungUNetSeg
loaded = {"qt", "ctk", "PySide6", "torch", "scipy", "SimpleITK", "onnxruntime"} & set(sys.modules)
assert not loaded, loaded
"""

RUN_THE_SELF_TEST = """
import unittest
from LungUNetSegSlicer import server
server.start()
import module_base_classes
module_base_classes.install()
import LungUNetSeg
tests = unittest.defaultTestLoader.loadTestsFromTestCase(LungUNetSeg.LungUNetSegTest)
result = unittest.TextTestRunner(verbosity=2).run(tests)
sys.exit(not result.wasSuccessful())
"""


def test_the_logic_starts_without_application_qt_and_torch(tmp_path: Path) -> None:
    """Also protects Slicer's start: importing the module loads nothing heavy."""
    run = clean_python(USE_THE_LOGIC, MODULE_FOLDER, CHECKOUT, TESTS, cwd=tmp_path)
    assert run.returncode == 0, run.stderr


def test_the_modules_self_test_passes_on_a_server(tmp_path: Path) -> None:
    """`LungUNetSegTest`, as ctest and "Reload and Test" run it in Slicer."""
    run = clean_python(RUN_THE_SELF_TEST, MODULE_FOLDER, CHECKOUT, TESTS, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "test_labels_become_segments_on_their_own_voxels" in run.stderr


def test_without_slicers_core_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trame_slicer", None)
    with pytest.raises(MissingDependencyError, match=r"no module 'trame_slicer'.*pip install"):
        server.start.__wrapped__()


def test_the_other_package_named_slicer_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyPI's `slicer` slices arrays; it takes the import name of Slicer's core."""
    other = ModuleType("slicer")
    other.__file__ = "site-packages/slicer/__init__.py"
    monkeypatch.setitem(sys.modules, "slicer", other)
    with pytest.raises(MissingDependencyError, match="pip uninstall slicer"):
        server.start.__wrapped__()


def test_no_server_is_started_inside_slicer(monkeypatch: pytest.MonkeyPatch, core: Any) -> None:
    import slicer

    monkeypatch.setattr(slicer, "app", object(), raising=False)
    with pytest.raises(LungUNetSegError, match="already"):
        server.start.__wrapped__()
