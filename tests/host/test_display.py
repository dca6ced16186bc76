"""The display of the tests: an X server that lives as long as they do, or none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.skipif(not shutil.which("Xvfb") or not shutil.which("setpriv"), reason="needs Xvfb and setpriv")
@pytest.mark.parametrize("ending", ["", "os.kill(os.getpid(), 9)"])
def test_the_x_server_lives_as_long_as_the_tests_and_no_longer(ending):
    """Ended too soon it fails a green test run at its exit; too late, it is left behind by one that was killed."""
    code = f"""
import atexit, ctypes, os, sys, time
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
# What was registered first is called last: VTK and Qt use their connections until after all other clearing up.
atexit.register(lambda: (time.sleep(0.3), x11.XSync(connection, 0)))
from host.display import ensure_display
ensure_display()
connection = ctypes.c_void_p(x11.XOpenDisplay(None))
print(os.environ["DISPLAY"], flush=True)
{ending}
"""
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (-9 if ending else 0), done.stderr
    socket = Path(f"/tmp/.X11-unix/X{done.stdout.strip().removeprefix(':')}")
    deadline = time.monotonic() + 10
    while socket.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not socket.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X servers are Linux's here")
def test_a_display_that_cannot_be_reached_is_done_without():
    """Protects all tests from Qt's abort: a DISPLAY that an ssh session left behind, or Qt's X libraries missing."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from host.display import ensure_display
ensure_display()
from PySide6.QtWidgets import QApplication
print(QApplication([]).platformName())
"""
    environment = {**os.environ, "DISPLAY": ":987", "QT_QPA_PLATFORM": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "offscreen", done.stderr
