"""Work that a part of the panel has under way, in steps between which Slicer's event loop runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.run.error_texts import error_text
from LungUNetSegSlicer.run.event_loop import Steps


class Work:
    """At most one generator of steps, which can be stopped.

    Args:
        on_error: Called with the message if the steps end with an error. An error that is not the library's or the
            system's is a bug of ours, and is raised again then: its traceback goes to Slicer's log.
    """

    def __init__(self, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self._steps: Steps | None = None

    @property
    def running(self) -> bool:
        """Whether steps are under way."""
        return self._steps is not None

    def start(self, steps: Generator[None, None, Any], on_end: Callable[[Any], None]) -> None:
        """Run steps from now on; `on_end` is called with what they return."""
        self.stop()

        def end(result: Any) -> None:
            self._steps = None
            on_end(result)

        self._steps = Steps(steps, end, self._fail)

    def stop(self) -> None:
        """End what is under way; nothing is called."""
        if self._steps is not None:
            self._steps.stop()
            self._steps = None

    def _fail(self, error: Exception) -> None:
        self._steps = None
        self._on_error(error_text(error))
        if not isinstance(error, (LungUNetSegError, OSError)):
            raise error
