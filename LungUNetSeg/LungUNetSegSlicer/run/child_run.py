"""Defines what all runs in a child process have in common: a private folder, one end, and how they are cancelled."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.run.child_process import ChildEnd, ChildProcess
from LungUNetSegSlicer.run.error_texts import error_text, folder_text
from LungUNetSegSlicer.run.event_loop import EventLoop, Steps, slicer_loop
from LungUNetSegSlicer.run.private_folder import make_folder, remove_folder

End = TypeVar("End")


class ChildRun(Generic[End]):
    """A run in a child process, which ends by calling `on_end` exactly once. Subclasses make and start the child.

    Args:
        on_end: Called with how the run ended.
        cancelled: The end of a cancelled run.
        loop: The event loop; Slicer's own if None.

    Raises:
        OSError: No folder can be made in the temporary folder.
    """

    _child: ChildProcess
    _steps: Steps | None = None
    """What the run does on the thread of the scene, if anything."""

    def __init__(self, on_end: Callable[[End], None], cancelled: End, loop: EventLoop | None = None) -> None:
        self._on_end, self._cancelled = on_end, cancelled
        self._ended = False
        self._loop = loop or slicer_loop()
        self._folder = make_folder(self._loop)

    @property
    def running(self) -> bool:
        """Whether the run has not ended yet."""
        return not self._ended

    def cancel(self) -> None:
        """Cancel the run. Its processes have ended and its files are removed when this returns."""
        if self.running:
            self._end(self._cancelled)

    def _on_child_end(self, end: ChildEnd) -> None:
        """Handle the end of the child; a run that has ended ignores it."""
        raise NotImplementedError

    def _fail(self, error: Exception) -> None:
        """End the run because of an error on the thread of the scene."""
        message = folder_text(error) if isinstance(error, OSError) else error_text(error)
        self._on_child_end(ChildEnd("failed", message, "".join(traceback.format_exception(error))))
        if not isinstance(error, (LungUNetSegError, OSError)):
            raise error  # a bug of ours: its traceback goes to Slicer's log

    def _end(self, end: End) -> None:
        self._ended = True
        if self._steps is not None:
            self._steps.stop()
        self._child.cancel()
        remove_folder(self._folder, self._loop)
        self._on_end(end)
