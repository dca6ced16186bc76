"""Files that are replaced only by complete new ones, and what a process that was killed left of them."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.machine import process_runs

_DRAFT = re.compile(r"\.lungunetseg-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{32}")
"""How the names of drafts begin: the machine and the process that makes them tell whether they are still wanted."""


@contextmanager
def replacing(path: Path, ending: str) -> Iterator[Path]:
    """Yield a new path beside `path`; when the block ends well, what was written there takes its place.

    When it does not, or the file cannot be made durable, the old file stays and nothing else is left. A process that is
    killed meanwhile leaves the draft, hidden; the next one that writes into the folder removes it.

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


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Yield a new hidden folder in `parent`, which is removed at the end; what shall stay is moved out of it before."""
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
    """Tell apart machines that share a folder, and containers, whose processes are counted apart."""
    name = platform.node()
    with suppress(OSError):
        name += str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]


@cache
def clear_drafts(folder: Path) -> None:
    """Remove from a folder the drafts of this machine's dead processes, once for each folder."""
    with suppress(OSError), os.scandir(folder) as entries:  # what cannot be listed or removed is no reason to fail
        for entry in entries:
            draft = _DRAFT.match(entry.name)
            if draft is None or draft[1] != _machine() or process_runs(int(draft[2])):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def check_replaceable(path: Path) -> None:
    """Raise WriteError unless `path` could be made or replaced now: what is found out before minutes of computing."""
    if path.is_dir():
        raise WriteError(f"{path}: is a folder; give the name of a file in it.")
    if path.exists() and not path.is_file():
        raise WriteError(f"{path}: is no ordinary file but a device or pipe; give the name of a file.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise WriteError(f"{path}: the folder {folder} does not exist; make it first.")
    probe = folder / _draft_name()
    try:
        if path.exists():
            path.open("r+b").close()
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WriteError(f"{path}: cannot be written there: {error.strerror or error}.") from error


def check_apart(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raise WriteError if one of `outputs` is an input, of which there may be no copy, or is there twice."""
    for number, output in enumerate(outputs):
        if output.exists() and any(source.exists() and output.samefile(source) for source in inputs):
            raise WriteError(f"{output}: is read in this run; give the result another name.")
        if output.resolve() in [other.resolve() for other in outputs[:number]]:
            raise WriteError(f"{output}: would be written twice; give one of the results another name.")


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With these begins a cell that spreadsheets compute, such as ``=HYPERLINK(...)``; the last are full-width forms."""


def csv_text(text: str) -> str:
    """Return a text for a CSV file: an apostrophe goes before one that a spreadsheet would take as a formula.

    For text that comes from files, as the names of cases do; numbers have their minus.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
