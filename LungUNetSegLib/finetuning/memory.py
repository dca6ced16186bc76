"""Ends a long work when its process has taken more memory than it may."""

from __future__ import annotations

import sys
from collections.abc import Callable

from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.progress import Progress


def peak_mb() -> float | None:
    """Return the most memory that this process has taken so far; None where the system does not say (Windows)."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def limited(progress: Progress, limit_mb: int, taken_mb: Callable[[], float | None] = peak_mb) -> Progress:
    """Return a progress function that ends the work once more than a limit was taken.

    Args:
        progress: Called first.
        limit_mb: The limit.
        taken_mb: What was taken; for tests.
    """

    def check(stage: str, done: int, total: int) -> None:
        progress(stage, done, total)
        taken = taken_mb()
        if taken is not None and taken > limit_mb:
            raise EngineError(
                f"The training has taken {taken:.0f} MB of memory, and may take {limit_mb} MB: allow more, or leave "
                "out the largest scans."
            )

    return check
