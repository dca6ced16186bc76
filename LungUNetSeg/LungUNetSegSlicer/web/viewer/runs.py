"""Segments scans one after another in child processes, as the panel does, and says how far each is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict

from LungUNetSegLib.models.model import DEFAULT_MODEL
from LungUNetSegSlicer.logic import LungLogic
from LungUNetSegSlicer.panel.progress_view import seconds_left
from LungUNetSegSlicer.panel.texts import progress_text
from LungUNetSegSlicer.run.asyncio_loop import AsyncioLoop
from LungUNetSegSlicer.run.segmentation_run import RunEnd, SegmentationRun
from LungUNetSegSlicer.run.settings import RunSettings
from LungUNetSegSlicer.web.viewer.scans import OpenScan

COUNTED = "segment"
"""The stage whose steps, slices, tell how long it will take."""


class Runs:
    """A queue of scans, of which the first is being segmented.

    Args:
        loop: Waits for the child processes.
        changed: Called when the state of a scan has changed.
        finished: Called with a scan that has been segmented.
    """

    def __init__(self, loop: AsyncioLoop, changed: Callable[[], None], finished: Callable[[OpenScan], None]) -> None:
        self._loop, self._changed, self._finished = loop, changed, finished
        self._waiting: deque[OpenScan] = deque()
        self._running: tuple[OpenScan, SegmentationRun] | None = None
        self._started = 0.0

    def add(self, scan: OpenScan) -> None:
        """Segment a scan when those before it are done."""
        if scan.status in ("waiting", "running"):
            return
        scan.status, scan.message, scan.progress = "waiting", "", ("Waiting for the scans before it", None)
        self._waiting.append(scan)
        self._next()

    def cancel(self, scan: OpenScan) -> None:
        """Take a scan from the queue, or end its processes."""
        if scan in self._waiting:
            self._waiting.remove(scan)
            scan.status = "done" if scan.result else "cancelled"
            self._changed()
        elif self._running is not None and self._running[0] is scan:
            self._running[1].cancel()

    def close(self) -> None:
        """End everything."""
        self._waiting.clear()
        if self._running is not None:
            self._running[1].cancel()

    def _next(self) -> None:
        if self._running is None and self._waiting:
            scan = self._waiting.popleft()
            scan.status, scan.progress = "running", (progress_text("start", 0, 0, None), None)
            self._started = time.monotonic()
            try:
                run = LungLogic().startSegmentation(
                    scan.node,
                    scan.segmentation,
                    RunSettings(model=DEFAULT_MODEL, show3d=True),
                    lambda *how_far: self._report(scan, *how_far),
                    lambda end: self._end(scan, end),
                    self._loop,
                )
            except OSError as error:
                self._end(scan, RunEnd(state="failed", message=str(error)))
            else:
                self._running = scan, run
        self._changed()

    def _report(self, scan: OpenScan, stage: str, done: int, total: int) -> None:
        elapsed_s = time.monotonic() - scan.stage_began(stage)
        counted = total if stage == COUNTED else 0
        text = progress_text(stage, done, total, seconds_left(elapsed_s, done, counted))
        scan.progress = text, done / counted if counted else None
        self._changed()

    def _end(self, scan: OpenScan, end: RunEnd) -> None:
        self._running = None
        scan.progress = "", None
        scan.message = end.message
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
        self._next()
