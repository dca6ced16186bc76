"""Implements Slicer's event loop with Qt's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer

from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd, ChildProcess
from LungUNetSegSlicer.run.worker import Worker


class QtLoop:
    """See `EventLoop`."""

    def repeat(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call a function by a timer without a pause."""
        timer = qt.QTimer()
        timer.connect("timeout()", call)
        timer.start(0)

        def end() -> None:
            """Stop the timer, and disconnect it: PythonQt's connections are strong references to the object."""
            if timer.active:
                timer.stop()
                timer.disconnect("timeout()", call)

        return end

    def later(self, pause_ms: int, call: Callable[[], None]) -> None:
        """Call a function once, after a pause."""
        qt.QTimer.singleShot(pause_ms, call)

    def temporary_folder(self) -> Path:
        """Return Slicer's folder, which the user can choose."""
        return Path(slicer.app.temporaryPath)

    def make_child(self, on_progress: Progress, on_end: Callable[[ChildEnd], None]) -> ChildProcess:
        """Make a PythonSlicer process."""
        return Worker(on_progress, on_end)
