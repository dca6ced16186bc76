"""Shows a command's progress: a bar on a terminal, JSON for programs, nothing otherwise."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import Protocol

KINDS = ("auto", "json", "none")

BAR_CELLS = 30
BAR_INTERVAL_S = 0.1


class ProgressView(Protocol):
    """Shows progress; it is called at each step, and closed at the end, also of a failed run."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` steps of a stage are done; the note is for people."""
        ...

    def close(self) -> None:
        """Clean up the output for what is printed next."""
        ...


def make_progress(kind: str) -> ProgressView:
    """Return the progress view: "json", "none", or for "auto" a bar if stderr is a terminal."""
    if kind == "json":
        return JsonProgress()
    return ProgressBar() if kind == "auto" and sys.stderr.isatty() else NoProgress()


class NoProgress:
    """Shows nothing."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class JsonProgress:
    """Writes one JSON object a line to stdout: ``{"stage": "segment", "done": 32, "total": 133}``."""

    def __init__(self) -> None:
        self._stream = sys.stdout  # kept now, because commands redirect what they print

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Write a line; numbers that a note would tell are values of `say`."""
        self.say(stage=stage, done=done, total=total)

    def say(self, **values: object) -> None:
        """Write a line of these values."""
        print(json.dumps(values), file=self._stream, flush=True)

    def close(self) -> None:
        """Do nothing."""


class ProgressBar:
    """Draws ``segment [=======       ] 32/133  4 s left`` over itself on stderr, with a note at its end."""

    def __init__(self) -> None:
        self._stage = ""
        self._started = self._drawn = 0.0
        self._first = self._done = self._width = 0

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Redraw the bar, but not more often than is visible."""
        now = time.monotonic()
        if stage != self._stage or done < self._done:  # a stage may repeat, as an epoch's training does
            self._stage, self._started, self._first, self._drawn = stage, now, done, 0.0
        self._done = done
        if total < 1 or (now - self._drawn < BAR_INTERVAL_S and done < total):
            return
        self._drawn = now
        cells = BAR_CELLS * done // total
        left_s = (now - self._started) / (done - self._first) * (total - done) if done > self._first else 0.0
        text = f"{stage:<8} [{'=' * cells:<{BAR_CELLS}}] {done}/{total}{_time_left(left_s)}"
        self._draw(f"{text}  {note}" if note else text)
        if done >= total:
            self.close()  # the command's next line must not follow the bar

    def close(self) -> None:
        """Erase the bar."""
        if self._width:
            self._draw("")
            sys.stderr.write("\r")
            sys.stderr.flush()

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be drawn over
        sys.stderr.write(f"\r{text:<{self._width}}")
        sys.stderr.flush()
        self._width = len(text)


def _time_left(seconds: float) -> str:
    if seconds < 1:
        return ""
    if seconds < 120:
        return f"  {seconds:.0f} s left"
    return f"  {seconds / 60:.0f} min left" if seconds < 7200 else f"  {seconds / 3600:.1f} h left"
