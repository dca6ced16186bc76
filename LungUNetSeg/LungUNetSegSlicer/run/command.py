"""Builds the command and the environment that run a module of this package as a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import LungUNetSegLib

SEGMENT = "LungUNetSegSlicer.run.segmentation_child"
"""The module that segments one scan."""

_MODULE_PATH = (Path(LungUNetSegLib.__file__).parents[1], Path(__file__).parents[2])
"""Folders for the child's sys.path: it does not inherit what Slicer added to its own."""


def command(module: str, folder: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs a module of this package on a folder."""
    return [sys.executable, "-m", module, str(folder), *arguments]


def environment(python_path: str) -> dict[str, str]:
    """Return the variables that a child's environment has instead of this process's, whose PYTHONPATH is given."""
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [*map(str, _MODULE_PATH), python_path])),
        "PYTHONUTF8": "1",
        # By default `python -m` searches the working directory for modules first.
        "PYTHONSAFEPATH": "1",
    }
