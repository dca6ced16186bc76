"""Finds what the machine offers: usable cores, memory, the cache folder, and optional packages."""

from __future__ import annotations

import importlib
import math
import os
import sys
from pathlib import Path
from typing import Any

from LungUNetSegLib.cgroups import cpu_limit
from LungUNetSegLib.errors import MissingDependencyError, install_extra, message_of

_LARGE = 128
"""Products of matrices with fewer rows and columns need no work memory."""


def limited_cores() -> int | None:
    """Return the number of cores that this process may use if it is less than the machine's, else None."""
    cores = os.cpu_count() or 1
    allowed = cores
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    limit = cpu_limit()
    if limit is not None:
        allowed = min(allowed, math.ceil(limit))
    return allowed if allowed < cores else None


def cores() -> int:
    """Return how many cores this process may use."""
    return limited_cores() or os.cpu_count() or 1


def cache_folder() -> Path:
    """Return the user's cache folder; `XDG_CACHE_HOME` is used if it is set."""
    return _user_folder("XDG_CACHE_HOME", macos="Library/Caches", linux=".cache")


def data_folder() -> Path:
    """Return the user's folder for what is kept, such as own models; `XDG_DATA_HOME` is used if it is set."""
    return _user_folder("XDG_DATA_HOME", macos="Library/Application Support", linux=".local/share")


def _user_folder(variable: str, *, macos: str, linux: str) -> Path:
    """Return this program's folder of a kind; Windows has one for all kinds."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get(variable) or Path.home() / (macos if sys.platform == "darwin" else linux))
    return base / "lungunetseg"


def usable_threads(wanted: int | None) -> int | None:
    """Return how many threads to start: the requested number, but at most the cores of this process.

    None, for one thread per core, stays None if an engine's own count is right.
    """
    limit = limited_cores()
    return limit if wanted is None else min(wanted, cores())


def take_blas_memory() -> None:
    """Let NumPy's OpenBLAS take its work memory now.

    It ends the process, without an exception, if none is left at the first matrix product that is large enough. So this
    comes before an engine takes what there is: an engine that gets no memory can be reported.
    """
    import numpy as np  # most of what asks this module does not compute

    matrix = np.zeros((_LARGE, _LARGE))
    matrix @ matrix


def process_runs(pid: int) -> bool:
    """Return whether a process with this id exists, also one of another user."""
    if sys.platform == "win32":  # on Windows os.kill would end the process, whatever the signal
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
    """Import an engine's package, or another of PyPI, with the engines' telemetry switched off.

    Args:
        name: To import it and to install it.
        title: For people.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    _switch_telemetry_off()
    try:
        package = importlib.import_module(name)
        if name == "onnxruntime":  # builds with Windows' own tracing ignore the environment variable
            package.disable_telemetry_events()
        return package
    except Exception as error:  # a missing driver library or an incompatible NumPy may raise anything
        raise MissingDependencyError(
            f"{title} cannot be loaded ({message_of(error)}): install it with `pip install {name}`."
        ) from error


def import_extra(name: str, need: str, extra: str) -> Any:
    """Import a package, or a module of one, that one of our extras brings.

    Args:
        name: To import.
        need: What needs which package, for people, such as "A DICOM node needs pynetdicom".
        extra: The extra's name.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"{need}, which cannot be loaded ({message_of(error)}): {install_extra(extra)}."
        ) from error


def memory_bytes() -> int | None:
    """Return the size of this machine's memory; None where the system does not say (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def peak_mb() -> float | None:
    """Return the largest memory use of this process so far, in MB; None where the system does not tell (Windows)."""
    if sys.platform == "win32":
        return None
    try:
        # Not `ru_maxrss`: on Linux it begins with the peak of the process that started this one, such as Slicer's.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    except (OSError, IndexError, ValueError):
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _switch_telemetry_off() -> None:
    """Switch off the telemetry of the engines' packages; needed before they are loaded.

    ONNX Runtime from 1.32 on writes a device identifier and its events into the user's cache, and sends them, unless
    this variable is set (its Privacy.md). OpenVINO sends usage data through the package `openvino_telemetry`
    unless the user has opted out in a file; if that package cannot be imported, it sends nothing.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's way to make a module unimportable
