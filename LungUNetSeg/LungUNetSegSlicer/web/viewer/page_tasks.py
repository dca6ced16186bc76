"""Runs work that takes a while, one piece at a time for each place of the page, and keeps the errors shown there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from LungUNetSegLib.errors import LungUNetSegError

logger = logging.getLogger(__name__)


class PageTasks:
    """Runs coroutines beside each other.

    Args:
        changed: Called when the page has to be told something.
        explain: Says an error in words for users.
    """

    def __init__(self, changed: Callable[[], None], explain: Callable[[Exception], str]) -> None:
        self._changed, self._explain = changed, explain
        self.busy: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, place: str, text: str, work: Coroutine[Any, Any, None]) -> None:
        """Start something, unless something else runs at that place of the page."""
        if place in self.busy:
            work.close()
            return
        self.busy[place] = text
        self.clear(place)
        task = asyncio.get_running_loop().create_task(self._finish(place, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fail(self, place: str, error: Exception) -> None:
        """Show an error at the place where it belongs."""
        if not isinstance(error, (LungUNetSegError, OSError, MemoryError)):
            logger.error("%s failed", place, exc_info=error)
        self.errors[place] = self._explain(error)
        self._changed()

    def clear(self, place: str) -> None:
        """Show no error there any more."""
        self.errors.pop(place, None)
        self._changed()

    async def _finish(self, place: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self.fail(place, error)
        finally:
            self.busy.pop(place, None)
            self._changed()
