"""Ends a computation when its process has used more memory than allowed."""

from __future__ import annotations

from collections.abc import Callable

from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.machine import peak_mb
from LungUNetSegLib.progress import Progress


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
