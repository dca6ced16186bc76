"""Slicer's core from PyPI, with one scene for all tests of this folder; each test starts with an empty one.

The folder is not called slicer: that package takes in whatever folders of its name lie on the path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from module_paths import MODULE_FOLDER

if str(MODULE_FOLDER) not in sys.path:
    sys.path.append(str(MODULE_FOLDER))

CleanPython = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def core() -> Any:
    """The running core: `trame_slicer.core.SlicerApp`."""
    from LungUNetSegSlicer import server

    return server.start()


@pytest.fixture
def scene(core: Any) -> Iterator[Any]:
    """An empty MRML scene."""
    core.scene.Clear()
    yield core.scene
    core.scene.Clear()


@pytest.fixture
def clean_python(tmp_path: Path) -> CleanPython:
    """Run Python code in a child that sees the installed packages and the given folders, but not this project."""

    def run(code: str, *folders: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        # Without `site` no .pth file is read, and so no editable installation of this project is seen.
        path = [str(each) for each in folders] + [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        prologue = f"import sys; sys.path[:0] = {path!r}\n"
        return subprocess.run(
            [sys.executable, "-E", "-s", "-S", "-c", prologue + code],
            cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, **environment},
        )  # fmt: skip

    return run
