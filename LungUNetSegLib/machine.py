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


def usable_threads(wanted: int | None) -> int | None:
    """Return how many threads to start: as many as are wanted, but no more than this process has cores.

    None, for as many as there are cores, stays None where an engine's own count is right.
    """
    limit = limited_cores()
    return limit if wanted is None else min(wanted, cores())


def process_runs(pid: int) -> bool:
    """Return whether there is a process of this number; one of another user counts."""
    if sys.platform == "win32":  # os.kill would end it there, whatever the signal
        import ctypes

        query, denied, still_active = 0x1000, 5, 259
        handle = ctypes.windll.kernel32.OpenProcess(query, False, pid)
        if not handle:
            return bool(ctypes.windll.kernel32.GetLastError() == denied)
        code = ctypes.c_ulong()
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == still_active
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def import_package(name: str, title: str) -> Any:
    """Return an engine's package, which is kept from reporting its use.

    Args:
        name: To import it and to install it.
        title: For people.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    _switch_telemetry_off()
    try:
        package = importlib.import_module(name)
        if name == "onnxruntime":  # builds with Windows' own tracing know no environment variable
            package.disable_telemetry_events()
        return package
    except Exception as error:  # a driver's missing library, a numpy of another ABI: each raises what it likes
        reason = " ".join(str(error).split())
        raise MissingDependencyError(
            f"{title} cannot be loaded ({reason}): install it with `pip install {name}`, or use another --engine."
        ) from error


def _switch_telemetry_off() -> None:
    """Keep the engines' packages from noting and reporting their use; needed before they are loaded.

    ONNX Runtime from 1.32 on writes a device identifier and its events into the user's cache, and sends them, unless
    this variable is set (its Privacy.md). OpenVINO sends what it is used for through the package `openvino_telemetry`
    unless the user has opted out in a file; where that package cannot be imported, it does without.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's own way to say: not importable
