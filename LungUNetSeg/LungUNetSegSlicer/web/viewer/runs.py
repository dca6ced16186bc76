"""Segments scans one after another in child processes, as the panel does, and says how far each is.

Before each scan the process asks the server for a turn, so that users who have several scans alternate with others.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.models.model import DEFAULT_MODEL
from LungUNetSegSlicer.logic import LungLogic
from LungUNetSegSlicer.panel.progress_view import seconds_left
from LungUNetSegSlicer.panel.texts import progress_text
from LungUNetSegSlicer.run.asyncio_loop import AsyncioLoop
from LungUNetSegSlicer.run.segmentation_run import RunEnd, SegmentationRun
from LungUNetSegSlicer.run.settings import RunSettings
from LungUNetSegSlicer.web.segmentation_queue import turn
from LungUNetSegSlicer.web.viewer.scans import OpenScan

COUNTED = "segment"
"""The stage whose steps, slices, tell how long it will take."""


class Runs:
    """A queue of scans, of which the first is being segmented, or waits until other users' are.

    Args:
        loop: Waits for the child processes.
        queue: Socket of the server's queue of all users.
        changed: Called when the state of a scan has changed.
        finished: Called with a scan that has been segmented.
        explained: Says an error in words for users.
    """

    def __init__(
        self,
        loop: AsyncioLoop,
        queue: Path,
        changed: Callable[[], None],
        finished: Callable[[OpenScan], None],
        explained: Callable[[Exception], str],
    ) -> None:
        self._loop, self._queue = loop, queue
        self._changed, self._finished, self._explained = changed, finished, explained
        self._waiting: deque[OpenScan] = deque()
        self._before = 0
        self._running: tuple[OpenScan, SegmentationRun] | None = None
        self._work: asyncio.Task[None] | None = None
        self._started = 0.0

    def add(self, scan: OpenScan) -> None:
        """Segment a scan when those before it are done."""
        if scan.status in ("waiting", "running"):
            return
        scan.status, scan.message = "waiting", ""
        self._waiting.append(scan)
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(self._work_off())
        self._say_places()

    def cancel(self, scan: OpenScan) -> None:
        """Take a scan from the queue, or end its processes."""
        if scan in self._waiting:
            self._waiting.remove(scan)
            scan.status, scan.progress = "done" if scan.result else "cancelled", ("", None)
            if self._work is not None and self._running is None and not self._waiting:
                self._work.cancel()
                self._work = None
            self._say_places()
        elif self._running is not None and self._running[0] is scan:
            self._running[1].cancel()

    def close(self) -> None:
        """End everything."""
        for scan in list(self._waiting):
            self.cancel(scan)
        if self._running is not None:
            self._running[1].cancel()

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                self._before = 0
                try:
                    async with turn(self._queue, self._told):
                        await self._segment(self._waiting.popleft())
                except OSError as error:
                    message = f"The segmentation cannot be started ({error.strerror or error}). Try again."
                    self._end(self._waiting.popleft(), RunEnd(state="failed", message=message))
        finally:
            if self._work is asyncio.current_task():  # it was not cancelled and replaced
                self._work = None

    def _told(self, before: int) -> None:
        self._before = before
        self._say_places()

    def _say_places(self) -> None:
        for number, scan in enumerate(self._waiting):
            is_next = number == 0 and self._running is None
            scan.progress = _place_text(self._before) if is_next else "Waiting for the scans before it", None
        self._changed()

    async def _segment(self, scan: OpenScan) -> None:
        """Segment a scan; return when it has ended, however it has."""
        over = asyncio.Event()

        def end(how: RunEnd) -> None:
            try:
                self._end(scan, how)
            finally:
                over.set()

        scan.status, scan.progress = "running", (progress_text("start", 0, 0, None), None)
        self._started = time.monotonic()
        try:
            run = LungLogic().startSegmentation(
                scan.node,
                scan.segmentation,
                RunSettings(model=DEFAULT_MODEL, show3d=True),
                lambda *how_far: self._report(scan, *how_far),
                end,
                self._loop,
            )
        except OSError as error:
            end(RunEnd(state="failed", message=str(error)))
        else:
            self._running = scan, run
        self._say_places()
        await over.wait()

    def _report(self, scan: OpenScan, stage: str, done: int, total: int) -> None:
        elapsed_s = time.monotonic() - scan.stage_began(stage)
        counted = total if stage == COUNTED else 0
        text = progress_text(stage, done, total, seconds_left(elapsed_s, done, counted))
        scan.progress = text, done / counted if counted else None
        self._changed()

    def _end(self, scan: OpenScan, end: RunEnd) -> None:
        self._running = None
        scan.progress = "", None
        scan.message = self._explained(LungUNetSegError(end.message)) if end.message else ""
        if end.state == "done" and end.result is not None:
            found = {each["code"] for each in end.result["findings"]}
            own = [asdict(each) for each in scan.scan.findings if each.code not in found]
            scan.status, scan.segmentation = "done", end.segmentation
            scan.result = {
                **end.result,
                "findings": [*own, *end.result["findings"]],
                "elapsed_s": time.monotonic() - self._started,
            }
            self._finished(scan)
        else:
            scan.status = end.state if scan.result is None or end.state == "failed" else "done"
        self._say_places()


def _place_text(before: int) -> str:
    """Return how many scans of all users are before one, as the page says it."""
    if not before:
        return "Waiting for its turn"
    return f"{before} scans are before yours" if before > 1 else "1 scan is before yours"
