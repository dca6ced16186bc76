"""Work of the library in a thread, as steps of a generator, so that Slicer goes on meanwhile.

Slicer's event loop holds Python's lock, and threads stand still while it runs. Each step therefore sleeps for a moment:
the lock is free then, and NumPy, SciPy and SimpleITK keep computing without it when the event loop runs again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

SLEEP_S = 0.01
"""Too short to be felt in the user interface, and long against what the event loop takes between two steps."""


def in_background(work: Callable[[], Result]) -> Generator[None, None, Result]:
    """Do something that touches neither the scene nor a widget, while the caller takes steps.

    A generator that is closed leaves the thread to end by itself; what it finds is thrown away.

    Yields:
        Until the work is done.

    Returns:
        What `work` returned.
    """
    pool = ThreadPoolExecutor(1, "LungUNetSeg")
    try:
        future = pool.submit(work)
        while not future.done():
            yield
            time.sleep(SLEEP_S)
        return future.result()
    finally:
        pool.shutdown(wait=False)


def finish(steps: Generator[None, None, Result]) -> Result:
    """Take all steps at once, where nobody waits: in scripts, on a server, in tests."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
