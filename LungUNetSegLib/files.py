"""Files that are replaced only by complete new ones."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from LungUNetSegLib.errors import WriteError


@contextmanager
def replacing(path: Path, ending: str) -> Iterator[Path]:
    """Yield a new path beside `path`; when the block ends well, what was written there takes its place.

    When it does not, or the file cannot be made durable, the old file stays and nothing else is left.

    Args:
        path: The file to make or to replace; a link is followed.
        ending: Ending of the temporary file, as writers choose the format by it.

    Raises:
        WriteError: The folder is missing, read-only or full.
    """
    target = path.resolve()
    draft = target.with_name(f".{uuid.uuid4().hex}{ending}")
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


def check_replaceable(path: Path) -> None:
    """Raise WriteError unless `path` could be made or replaced now: what is found out before minutes of computing."""
    if path.is_dir():
        raise WriteError(f"{path}: is a folder; give the name of a file in it.")
    if path.exists() and not path.is_file():
        raise WriteError(f"{path}: is no ordinary file but a device or pipe; give the name of a file.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise WriteError(f"{path}: the folder {folder} does not exist; make it first.")
    probe = folder / f".{uuid.uuid4().hex}"
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
