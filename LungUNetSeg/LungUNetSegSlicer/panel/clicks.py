"""Connects the panel's buttons that start something at one click and cancel it at the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

DOUBLE_CLICK_S = 0.4
"""Qt's own default for the longest time between the two clicks of a double click."""


def connect_single_clicks(button: Any, call: Callable[[], None]) -> None:
    """Call a function at each click, except the second one of a double click, which would undo what the first one did.

    Clicks while the function is being called are ignored too: it may ask the user or install a package, and meanwhile
    the event loop runs.

    Args:
        button: A QPushButton.
        call: What a click does.
    """
    ended, is_calling = float("-inf"), False

    def click() -> None:
        nonlocal ended, is_calling
        if is_calling or time.monotonic() - ended < DOUBLE_CLICK_S:
            return
        is_calling = True
        try:
            call()
        finally:
            is_calling = False
            ended = time.monotonic()  # not its beginning: clicks wait while a function keeps the event loop waiting

    button.connect("clicked()", click)
