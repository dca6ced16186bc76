"""Makes the environment of child processes, so that they import this library from where this process did."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def child_environment(**more: str) -> dict[str, str]:
    """Return this process's environment, with the folder of this library first among those that Python looks in."""
    folders = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders), **more}
