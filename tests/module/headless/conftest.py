"""Slicer's core from PyPI, with one scene for all tests of this folder; each test starts with an empty one.

The folder is not called slicer: that package takes in whatever folders of its name lie on the path.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from children import MODULE_FOLDER

if str(MODULE_FOLDER) not in sys.path:
    sys.path.append(str(MODULE_FOLDER))

from LungUNetSegSlicer import server

server.start()  # before the tests are imported, which import what uses `slicer.i18n`


@pytest.fixture(scope="session")
def core() -> Any:
    """The running core: `trame_slicer.core.SlicerApp`."""
    return server.start()


@pytest.fixture
def scene(core: Any) -> Iterator[Any]:
    """An empty MRML scene."""
    core.scene.Clear()
    yield core.scene
    core.scene.Clear()
