"""Ends a computation when its process has used more memory than allowed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.progress import Progress


def peak_mb() -> float | None:
    """Return the largest memory use of this process so far, in MB; None where the system does not tell (Windows)."""
    if sys.platform == "win32":
        return None
    try:
        # On Linux `ru_maxrss` begins with the peak of the process that started this one, such as Slicer with its scans.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    except (OSError, IndexError, ValueError):
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def limited(progress: Progress, limit_mb: int, taken_mb: Callable[[], float | None] = peak_mb) -> Progress:
    """Return a progress function that raises an error when the process has used more memory than a limit.

    Args:
        progress: Called first.
        limit_mb: The limit.
        taken_mb: Returns the memory use; replaced in tests.
    """

    def check(stage: str, done: int, total: int) -> None:
        progress(stage, done, total)
        taken = taken_mb()
        if taken is not None and taken > limit_mb:
            raise EngineError(
                f"The training has used {taken:.0f} MB of memory, more than the limit of {limit_mb} MB: raise the "
                "limit, or leave out the largest scans."
            )

    return check
