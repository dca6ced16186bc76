"""A display for the tests: the user's, else an X server in memory (Xvfb), else Qt's own off-screen platform."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys


def ensure_display() -> None:
    """Set the environment so that Qt can show windows; start Xvfb where there is no display, for this process."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if os.environ.get("DISPLAY"):
        os.environ["QT_QPA_PLATFORM"] = "xcb"
    elif shutil.which("Xvfb"):
        os.environ["DISPLAY"] = _start_xvfb()
        os.environ["QT_QPA_PLATFORM"] = "xcb"
    else:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _start_xvfb() -> str:
    read_end, write_end = os.pipe()
    # It ends with its last client, so also with tests that are killed.
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-terminate"]
    server = subprocess.Popen(command, pass_fds=(write_end,), stderr=subprocess.DEVNULL)
    os.close(write_end)
    atexit.register(server.terminate)
    with os.fdopen(read_end) as pipe:
        # The server writes its display's number once it listens.
        return f":{pipe.readline().strip()}"
