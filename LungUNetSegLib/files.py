"""Writes files so that an old one is replaced only by a complete new one, and removes drafts of killed processes."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import platform
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.machine import process_runs

_DRAFT = re.compile(r"\.lungunetseg-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{32}")
"""Prefix of draft names; machine and process in the name show whether a draft is still in use."""


@contextmanager
def replacing(path: Path, ending: str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends without error, the file replaces `path`.

    Otherwise, or if the file cannot be flushed to disk, the old file stays and nothing else is left. A process that is
    killed meanwhile leaves the hidden draft; the next one that writes into the folder removes it.

    Args:
        path: The file to make or to replace; a link is followed.
        ending: Ending of the temporary file, as writers choose the format by it.

    Raises:
        WriteError: The folder is missing, read-only or full.
    """
    target = path.resolve()
    clear_drafts(target.parent)
    draft = target.with_name(_draft_name() + ending)
    try:
        yield draft
        # Read and write, since Windows flushes no file that is open for reading only.
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, for people too: a value a line.

    Raises:
        WriteError: As `replacing`.
    """
    with replacing(path, ".json") as draft:
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV (UTF-8, a comma between cells). Texts from elsewhere must pass `csv_text` before.

    Raises:
        WriteError: As `replacing`.
    """
    with replacing(path, ".csv") as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def finite(value: float) -> float | None:
    """Return a number for JSON, which has none that are infinite or undefined: None for these."""
    return float(value) if math.isfinite(value) else None


def make_folder(folder: Path) -> None:
    """Create a folder, with those above it, unless it exists.

    Raises:
        WriteError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder}: the folder cannot be made: {error.strerror}.") from error


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Yield a new hidden folder in `parent`, which is removed at the end; move out what should stay before."""
    clear_drafts(parent.resolve())
    folder = parent / _draft_name()
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _draft_name() -> str:
    return f".lungunetseg-{_machine()}-{os.getpid()}-{uuid.uuid4().hex}"


@cache
def _machine() -> str:
    """Return an id of this machine or container, as several may share a folder and use the same process ids."""
    name = platform.node()
    with suppress(OSError):
        name += str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]


@cache
def clear_drafts(folder: Path) -> None:
    """Remove the drafts of this machine's ended processes, once for each folder."""
    with suppress(OSError), os.scandir(folder) as entries:  # failing to list or remove drafts is not an error
        for entry in entries:
            draft = _DRAFT.match(entry.name)
            if draft is None or draft[1] != _machine() or process_runs(int(draft[2])):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def check_replaceable(path: Path) -> None:
    """Raise WriteError unless `path` can be created or replaced now, checked before minutes of computing."""
    if path.is_dir():
        raise WriteError(f"{path}: is a folder; give the name of a file in it.")
    if path.exists() and not path.is_file():
        raise WriteError(f"{path}: is a device or pipe, not an ordinary file; give the name of a file.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise WriteError(f"{path}: the folder {folder} does not exist; create it first.")
    probe = folder / _draft_name()
    try:
        if path.exists():
            path.open("r+b").close()
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}.") from error


def check_apart(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raise WriteError if one of `outputs` is an input, or is given twice."""
    for number, output in enumerate(outputs):
        if output.exists() and any(source.exists() and output.samefile(source) for source in inputs):
            raise WriteError(f"{output}: is an input of this run; give the result another name.")
        if output.resolve() in [other.resolve() for other in outputs[:number]]:
            raise WriteError(f"{output}: would be written twice; give one of the results another name.")


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters of formulas in spreadsheets, such as ``=HYPERLINK(...)``; the last are full-width forms."""


def csv_text(text: str) -> str:
    """Return a text for a CSV file, with an apostrophe before a text that a spreadsheet would take for a formula.

    For text that comes from files, such as case names; numbers keep their minus.
    """
    text = utf8_text(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def utf8_text(text: str) -> str:
    r"""Return a text that UTF-8 can hold: bytes of a file's name that are no text are written like ``\udced``."""
    return text.encode(errors="backslashreplace").decode()
