"""Runs work in small steps on the user interface's thread; Qt's event loop runs between them.

Slicer's scene may be used from this thread only, and Python threads do not run while the event loop does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import qt


class Steps:
    """Runs a generator, one step whenever the event loop is idle.

    Args:
        steps: Each ``yield`` lets the event loop run; its return value goes to `on_end`.
        on_end: Called once with the generator's return value.
        on_error: Called once with its exception, instead of `on_end`.
    """

    def __init__(
        self,
        steps: Generator[None, None, Any],
        on_end: Callable[[Any], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._steps, self._on_end, self._on_error = steps, on_end, on_error
        self._timer = qt.QTimer()
        self._timer.connect("timeout()", self._step)
        self._timer.start(0)

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

    def _let_go(self) -> None:
        """Stop the timer, and disconnect it: PythonQt's connections are strong references to this object."""
        if self._timer.active:
            self._timer.stop()
            self._timer.disconnect("timeout()", self._step)
