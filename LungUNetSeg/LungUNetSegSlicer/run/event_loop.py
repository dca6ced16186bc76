"""Runs work in small steps on the thread of the scene; the event loop runs between them.

Slicer's scene may be used from this thread only, and Python threads do not run while Qt's event loop does. In Slicer
the event loop is Qt's, on a server it is asyncio's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol

from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd, ChildProcess


class EventLoop(Protocol):
    """The interface of an event loop: calls functions later, makes child processes, knows where temporary files go."""

    def repeat(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call a function whenever the loop is idle; return the function that ends this."""

    def later(self, pause_ms: int, call: Callable[[], None]) -> None:
        """Call a function once, after a pause."""

    def temporary_folder(self) -> Path:
        """Return the folder for temporary files."""

    def make_child(self, on_progress: Progress, on_end: Callable[[ChildEnd], None]) -> ChildProcess:
        """Make the child process that segments one scan."""


def slicer_loop() -> EventLoop:
    """Return Slicer's own event loop, Qt's."""
    from LungUNetSegSlicer.run.qt_loop import QtLoop  # a server has no Qt

    return QtLoop()


class Steps:
    """Runs a generator, one step whenever the event loop is idle.

    Args:
        steps: Each ``yield`` lets the event loop run; its return value goes to `on_end`.
        on_end: Called once with the generator's return value.
        on_error: Called once with its exception, instead of `on_end`.
        loop: The event loop; Slicer's own if None.
    """

    def __init__(
        self,
        steps: Generator[None, None, Any],
        on_end: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        loop: EventLoop | None = None,
    ) -> None:
        self._steps, self._on_end, self._on_error = steps, on_end, on_error
        self._let_go = (loop or slicer_loop()).repeat(self._step)

    def stop(self) -> None:
        """Close the generator; neither callback is called."""
        self._let_go()
        self._steps.close()

    def _step(self) -> None:
        try:
            next(self._steps)
        except StopIteration as end:
            self._let_go()
            self._on_end(end.value)
        except Exception as error:
            self._let_go()
            self._on_error(error)
