"""A clock for limits in seconds that hold on a machine with much else to do, too."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def busy_clock() -> Iterator[Callable[[], float]]:
    """Yield a function that returns the processor seconds that a computing thread has got so far.

    On a machine with a free processor they pass as seconds do. Where a command has to share the processors, the thread
    has to as well, at the same moments; so a busy machine lets fewer of them pass while the command works. While it
    waits for something else than a processor they do pass, and the more of them the less busy the machine is.
    """
    seconds, done = 0.0, Event()

    def compute() -> None:
        nonlocal seconds
        block = bytes(1 << 20)  # hashed without Python's lock, which the test needs
        while not done.is_set():
            hashlib.sha256(block)
            seconds = time.thread_time()

    thread = Thread(target=compute)
    thread.start()
    try:
        yield lambda: seconds
    finally:
        done.set()
        thread.join()
