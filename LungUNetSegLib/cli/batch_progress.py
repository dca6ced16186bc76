"""Shows a batch's progress: a line that draws over itself, or JSON lines for programs."""

from __future__ import annotations

import sys
import time

from LungUNetSegLib.batch.jobs import Outcome
from LungUNetSegLib.batch.run import Totals
from LungUNetSegLib.cli.progress import JsonProgress, ProgressView

INTERVAL_S = 0.5
"""Time between two messages on the stages of scans at work."""


class BatchView:
    """Shows scans done, scans failed, the time left and the scans in work.

    Args:
        progress: The command's.
    """

    def __init__(self, progress: ProgressView) -> None:
        self._progress = progress
        self._totals = Totals(0)
        self._first, self._started, self._told = 0, time.monotonic(), 0.0

    @property
    def done(self) -> int:
        """The number of scans that are done."""
        return self._totals.done

    def heard(self, totals: Totals, outcome: Outcome | None) -> None:
        """Count a scan that is done or failed; at the beginning, with None, show what was done before."""
        self._totals = totals
        settled = totals.done + totals.failed
        if outcome is None:
            self._first, self._started = settled, time.monotonic()
        elif outcome.error:
            self._progress.close()
            print(f"{outcome.name}: {totals.errors[outcome.name]}", file=sys.stderr)
        if isinstance(self._progress, JsonProgress):
            extra = {} if outcome is None else {"scan": outcome.name, "error": totals.errors.get(outcome.name)}
            self._progress.say(stage="batch", done=settled, total=totals.scans, **self._numbers(), **extra)
        else:
            self._progress("batch", settled, totals.scans, self._note())

    def tell(self, name: str, stage: str, done: int, total: int) -> None:
        """Show the scan in work, but not more often than one can read."""
        now = time.monotonic()
        if now - self._told < INTERVAL_S:
            return
        self._told = now
        settled = self._totals.done + self._totals.failed
        if isinstance(self._progress, JsonProgress):
            at_work = {"scan": name, "scan_stage": stage, "scan_done": done, "scan_total": total}
            self._progress.say(stage="batch", done=settled, total=self._totals.scans, **self._numbers(), **at_work)
        else:
            self._progress("batch", settled, self._totals.scans, self._note(f"{stage} {done}/{total} of {name}"))

    def close(self) -> None:
        """End the line, so that the next output begins on its own."""
        self._progress.close()

    def _note(self, at_work: str = "") -> str:
        failed = f"{self._totals.failed} failed" if self._totals.failed else ""
        return "; ".join(filter(None, (failed, at_work)))

    def _numbers(self) -> dict[str, object]:
        settled = self._totals.done + self._totals.failed
        now_done, left = settled - self._first, self._totals.scans - settled
        seconds = (time.monotonic() - self._started) / now_done * left if now_done else None
        return {"failed": self._totals.failed, "left_s": None if seconds is None else round(seconds, 1)}
