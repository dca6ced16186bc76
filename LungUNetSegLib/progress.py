"""The type of progress callbacks, shared by the library, the commands and the panel."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (stage, steps done, steps to do); an exception from it ends the work."""


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""
