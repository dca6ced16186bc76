"""The largest memory use of this process, or of another with its children.

Not by `ru_maxrss`: on Linux it begins with the peak of the process that started the measured one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from LungUNetSegLib.machine import peak_mb

WATCHED_S = 0.2
"""Time between two looks at the memory of a process."""


def own_peak_mb() -> float:
    """Return the largest memory use of this process so far, in MB."""
    peak = peak_mb()
    assert peak is not None, "this system does not tell"
    return peak


class Peak:
    """The largest memory use of a process and of its children, each by itself.

    Attributes:
        mb: In MB, so far.
    """

    def __init__(self) -> None:
        self.mb = 0.0


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Watch a process until the block ends (Linux)."""
    ended, peak = threading.Event(), Peak()

    def watch() -> None:
        while not ended.wait(WATCHED_S):
            peak.mb = max(peak.mb, *map(_peak_mb_of, (pid, *_descendants(pid))))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _peak_mb_of(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # it has just ended
        return 0.0
    return next((float(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)


def _descendants(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(each) for each in path.read_text(encoding="ascii").split()]
        except OSError:
            continue
        found += [each for child in children for each in (child, *_descendants(child))]
    return found
