"""A display for the tests: the user's, else an X server in memory (Xvfb), else Qt's own off-screen platform."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_servers: list[subprocess.Popen[bytes]] = []
"""Held on to: Python warns of a process that is forgotten while it runs."""


def ensure_display() -> None:
    """Set the environment so that Qt can show windows; start Xvfb where there is no display, for this process."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not os.environ.get("DISPLAY") and shutil.which("Xvfb") and shutil.which("setpriv"):
        os.environ["DISPLAY"] = _start_xvfb()
    # Qt takes the first that works and aborts where none does: the server or Debian's libxcb may be missing.
    os.environ["QT_QPA_PLATFORM"] = "xcb;offscreen" if os.environ.get("DISPLAY") else "offscreen"


def _start_xvfb() -> str:
    read_end, write_end = os.pipe()
    # The kernel ends the server after this process. Ended any sooner it would take the process with it: VTK's and Qt's
    # connections stay open to the last, and Xlib answers a lost one with exit(1).
    command = ["setpriv", "--pdeathsig", "TERM", "Xvfb", "-displayfd", str(write_end)]
    command += ["-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    _servers.append(subprocess.Popen(command, pass_fds=(write_end,), stderr=subprocess.DEVNULL))
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        # The server writes its display's number once it listens.
        return f":{pipe.readline().strip()}"
