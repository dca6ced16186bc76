"""Argument types of several commands: argparse converts a text to a number or path, or refuses it in one line."""

from __future__ import annotations

import argparse
import math
from pathlib import Path


def json_file(text: str) -> Path:
    """Return the path of a JSON file."""
    return _path_ending_in(".json", text)


def csv_file(text: str) -> Path:
    """Return the path of a CSV file."""
    return _path_ending_in(".csv", text)


def html_file(text: str) -> Path:
    """Return the path of an HTML page."""
    return _path_ending_in(".html", text)


def thread_count(text: str) -> int:
    """Return a number of threads."""
    return count(text, "number of threads")


def count(text: str, what: str = "number") -> int:
    """Return a number of things, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"invalid {what}: {text!r}")
    return int(text)


def positive(text: str) -> float:
    """Return a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"invalid positive number: {text!r}")
    return value


def _path_ending_in(ending: str, text: str) -> Path:
    """Return a path, unless its ending is that of another kind of file."""
    path = Path(text)
    if path.suffix.lower() != ending:
        raise argparse.ArgumentTypeError(f"{text}: the name must end in {ending}")
    return path


def add_outside_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-outside``, for `data_files_anywhere`."""
    parser.add_argument(
        "--allow-outside", action="store_true",
        help="read data files that a .nhdr, .nrrd, .mhd or .mha names outside its own folder: if you trust its maker",
    )  # fmt: skip
