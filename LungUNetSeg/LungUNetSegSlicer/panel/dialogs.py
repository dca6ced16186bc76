"""Dialogs that ask the user for a file or a folder."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer


def ask_path(title: str, name: str, kind: str) -> Path | None:
    """Let the user choose a file to write; None if cancelled."""
    chosen = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, name, kind)
    return Path(chosen) if chosen else None


def ask_folder(title: str) -> Path | None:
    """Let the user choose a folder to read; None if cancelled."""
    chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
    return Path(chosen) if chosen else None
