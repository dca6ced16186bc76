"""What all starters of child processes share: the environment in which children import this library, and a wait."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PATIENCE_S = 0.2
"""How long the parent waits at once for its children: short, or Windows would not see Ctrl-C."""


def child_environment(**more: str) -> dict[str, str]:
    """Return this process's environment, with the folder of this library first among those that Python looks in."""
    folders = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders), **more}
