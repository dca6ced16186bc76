"""Leaves out of the coverage what only prepares a test: where lines are counted, small calls take 30 to 40 % longer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncounted() -> Iterator[None]:
    """Do not count the lines that run meanwhile, here and in threads that are started; other tests cover them."""
    ours, threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        threading.settrace(threads)  # type: ignore[arg-type]
        sys.settrace(ours)
