"""Runs work of the library in a thread, as steps of a generator, so that Slicer stays responsive.

Slicer's event loop holds Python's global lock (GIL), so threads do not run meanwhile. Each step therefore sleeps for a
moment, which frees the lock; NumPy, SciPy and SimpleITK continue without it when the event loop runs again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

SLEEP_S = 0.01
"""Too short to be noticed in the user interface, but long compared with the event loop's time between two steps."""


def in_background(work: Callable[[], Result]) -> Generator[None, None, Result]:
    """Run a function that uses neither the scene nor a widget in a thread, while the caller iterates.

    If the generator is closed, the thread ends by itself and its result is discarded.

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
    """Run a generator to its end and return its result: for scripts, servers and tests."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
