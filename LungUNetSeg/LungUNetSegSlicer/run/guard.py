"""Lets a child process give way to Slicer, and end when Slicer does; each of them calls `guard` first."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

FOLDER_PREFIX = "LungUNetSeg-"
"""How the folder's name begins: this process removes it, so no other folder may be given."""


def guard(folder: Path) -> None:
    """Run behind Slicer from now on, and remove the folder and end when Slicer is gone.

    Raises:
        SystemExit: The folder is not one that Slicer made for this process.
    """
    end_with_parent(folder)
    _let_slicer_go_first()


def end_with_parent(folder: Path) -> None:
    """Remove the folder and end when the process that started this one is gone.

    That process holds the other end of stdin and never writes to it: when it ends, even by a crash, that pipe closes.

    Raises:
        SystemExit: The folder is not one that Slicer made for this process.
    """
    if not folder.name.startswith(FOLDER_PREFIX):
        raise SystemExit(f"{folder} is not a folder that Slicer made for this process.")
    threading.Thread(target=_wait_for_the_end, args=(folder,), daemon=True).start()


def _let_slicer_go_first() -> None:
    """Take the processor's time only where Slicer does not want it: views must turn smoothly meanwhile."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS; -1 is this process
        ctypes.windll.kernel32.SetPriorityClass(ctypes.c_void_p(-1), below_normal)
    else:
        os.nice(10)


def _wait_for_the_end(folder: Path) -> None:
    """Wait for the other end of stdin to close."""
    # Not sys.stdin, whose lock would still be held when Python ends.
    while os.read(0, 1024):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
