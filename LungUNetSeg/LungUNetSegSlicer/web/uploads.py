"""Takes files from a browser into a session's folder: within limits, and under names that lead nowhere else."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import aiohttp
from aiohttp import web

from LungUNetSegLib.errors import ReadError

LONGEST_NAME = 120
CHUNK_BYTES = 1 << 20
MOST_FILES = 20_000
DEEPEST = 12
"""At most this many folders of a path are kept, the last ones."""


def safe_name(name: str) -> str:
    """Return a file's name without folders and without characters that mean something to a shell or a page.

    The name is kept otherwise, since the header of an image may name the file of its voxels.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = re.sub(r"[^\w.() +-]", "_", last).strip(" .")
    return plain[-LONGEST_NAME:] or "file"


def safe_path(name: str) -> PurePosixPath:
    """Return a file's path below the folder that was given, each part of it a `safe_name`."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return PurePosixPath(*map(safe_name, parts[-DEEPEST:] or [""]))


def size_of(files: Iterable[Path]) -> int:
    """Return how many bytes files and folders take."""
    return sum(each.stat().st_size for top in files for each in top.rglob("*") if each.is_file())


async def receive(request: web.Request, uploads: Path, most_bytes: int) -> Path:
    """Write all files of a multipart request into a new folder; return it.

    Args:
        request: Each part is a file, its name that of the file, perhaps with its folders.
        uploads: The session's folder of uploads.
        most_bytes: What all uploads of the session may take together.

    Raises:
        ReadError: Too much, no file, or the upload broke off; nothing is left of it.
    """
    folder = uploads / f"{len(list(uploads.iterdir())):04}"
    folder.mkdir()
    try:
        await _receive(request, folder, most_bytes - size_of([uploads]))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()  # keeps its number
        raise _explained(error, most_bytes) from error
    return folder


async def _receive(request: web.Request, folder: Path, left: int) -> None:
    reader = await request.multipart()
    count = 0
    while (part := await reader.next()) is not None:
        if not isinstance(part, aiohttp.BodyPartReader) or not part.filename:
            continue
        count += 1
        if count > MOST_FILES:
            raise ReadError(f"These are more than {MOST_FILES} files. Upload one study at a time, or a zip of it.")
        path = folder / safe_path(part.filename)
        if path.exists():  # two names that are equal without what is unsafe in them
            path = folder / f"{count:06}" / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while chunk := await part.read_chunk(CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise ReadError("too large")
                file.write(chunk)
    if not count:
        raise ReadError("No file arrived. Choose a scan's files, its folder, or a zip archive.")


def _explained(error: BaseException, most_bytes: int) -> BaseException:
    """Return the error that a user is told."""
    if isinstance(error, ReadError) and str(error) == "too large":
        return ReadError(
            f"This is more than the {most_bytes / 1e9:g} GB that one session may upload, together with the scans that "
            "are open. Close those that you need no more, upload only the chest CT, or ask the administrator for more."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ReadError("The server's disk is full. Ask its administrator to free some space; nothing was kept.")
    if isinstance(error, (OSError, ValueError, AssertionError, aiohttp.ClientError, aiohttp.http.HttpProcessingError)):
        return ReadError("The upload broke off before all files had arrived. Nothing was kept; upload them again.")
    return error
