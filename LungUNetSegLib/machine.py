"""What the machine has for us: cores that may be used, and packages that need not be installed."""

from __future__ import annotations

import importlib
import math
import os
import sys
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import MissingDependencyError

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""Linux, control groups version 2: microseconds of CPU time in each period of so many, or "max"."""


INSTALL_TRAIN = "in a checkout of LungUNetSeg, run `pip install '.[train]'`"
"""What brings all that training, export and figures need. No package of this project is published."""


def limited_cores() -> int | None:
    """Return the cores that this process may use if they are fewer than the machine's, else None."""
    cores = os.cpu_count() or 1
    allowed = cores
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = CGROUP_LIMIT.read_text().split()
        if quota != "max":
            allowed = min(allowed, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no such limit here
    return allowed if allowed < cores else None


def cores() -> int:
    """Return how many cores this process may use."""
    return limited_cores() or os.cpu_count() or 1


def cache_folder() -> Path:
    """Return the user's folder for what can be made or fetched again; `XDG_CACHE_HOME` is honoured where it is."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / "Library" / "Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lungunetseg"


def import_package(name: str, title: str) -> Any:
    """Return an engine's package.

    Args:
        name: To import it and to install it.
        title: For people.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # a driver's missing library, a numpy of another ABI: each raises what it likes
        reason = " ".join(str(error).split())
        raise MissingDependencyError(
            f"{title} cannot be loaded ({reason}): install it with `pip install {name}`, or use another --engine."
        ) from error
