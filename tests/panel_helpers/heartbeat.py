"""Whether Slicer's event loop is kept waiting."""

from __future__ import annotations

import threading
import time
from pathlib import Path

LONGEST_MS = 200
"""A pause that a user does not yet feel as a halt."""


class Heartbeat:
    """Beats every 5 ms and notes the longest time without a beat, less what the machine's other work took."""

    def __init__(self) -> None:
        import qt

        self.longest_ms = 0.0
        self._last = self._clock()
        self._timer = qt.QTimer()
        self._timer.interval = 5
        self._timer.connect("timeout()", self._beat)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _beat(self) -> None:
        now = self._clock()
        self.longest_ms = max(self.longest_ms, (now - self._last) * 1000)
        self._last = now

    @staticmethod
    def _clock() -> float:
        """Seconds, without those in which this thread was ready and others had the processor (proc(5), schedstat)."""
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        waited_ns = int(path.read_text().split()[1]) if path.exists() else 0
        return time.monotonic() - waited_ns / 1e9
