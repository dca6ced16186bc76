"""Shows the progress bar, the stage and the remaining time of a run in the panel."""

from __future__ import annotations

import time
from typing import Any

from LungUNetSegSlicer.panel.texts import progress_text

LEAST_SECONDS = 1.0
"""Seconds before a remaining time is shown; an estimate from the first slices is poor."""


class ProgressView:
    """Shows how far a run is.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._bar, self._label = ui.progressBar, ui.statusLabel
        self._stage, self._stage_start = "", 0.0

    def start(self) -> None:
        """Show the bar."""
        self._bar.visible = self._label.visible = True
        self.update("start", 0, 0)

    def update(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` slices of a stage are done; the bar is indeterminate if that is unknown."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_start = stage, now
        counted = total if stage == "segment" else 0
        self._bar.setRange(0, counted)
        self._bar.setValue(done)
        self._label.text = progress_text(stage, done, total, seconds_left(now - self._stage_start, done, counted))

    def stop(self, message: str = "") -> None:
        """Hide the bar, and show how the run ended; an empty message shows nothing."""
        self._bar.visible = False
        self._label.text = message
        self._label.visible = bool(message)


def seconds_left(elapsed: float, done: int, total: int) -> float | None:
    """Return the time that the rest of a stage will take, at the rate so far; None while that is not known."""
    if not total or not done or done == total or elapsed < LEAST_SECONDS:
        return None
    return elapsed / done * (total - done)
