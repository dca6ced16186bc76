"""Makes and removes the temporary folder for what goes to a child process and comes back."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegSlicer.run.event_loop import EventLoop
from LungUNetSegSlicer.run.guard import FOLDER_PREFIX

REMOVAL_PAUSES_MS = (100, 1000, 10_000)
"""Pauses after which the folder's removal is tried again: a child that is just ending may still write, or hold files
open."""


def make_folder(loop: EventLoop) -> Path:
    """Make a folder that only this user may read, as it will hold a patient's scan.

    Raises:
        OSError: It cannot be made in the temporary folder.
    """
    return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=loop.temporary_folder()))


def remove_folder(folder: Path, loop: EventLoop) -> None:
    """Remove a folder now, or after a pause if a file in it is still open."""
    _remove(folder, REMOVAL_PAUSES_MS, loop)


def _remove(folder: Path, pauses_ms: Sequence[int], loop: EventLoop) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and pauses_ms:
        loop.later(pauses_ms[0], lambda: _remove(folder, pauses_ms[1:], loop))
    elif folder.exists():
        logging.warning("LungUNetSeg: %s cannot be removed. There may be a patient's scan in it.", folder)
