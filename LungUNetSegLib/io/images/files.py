"""Checks an image file before it is read: that it is an image, and that its claimed sizes are possible."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.machine import memory_bytes

GREATEST_INFLATION = 1032
"""Largest compression ratio of deflate (zlib's technical notes); a header that claims more is wrong."""

TAIL_BYTES = 1 << 26
"""At most this much is unpacked after the voxels, to reach the checksum at the end of a compressed file."""

_CHUNK_BYTES = 1 << 20
_ANY_DEFLATE = 32 + zlib.MAX_WBITS
"""Tells zlib to take its own header or gzip's."""

_MOST_FILES = 100_000

_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"%PDF": "a PDF document",
    b"\x89HDF": "an HDF5 file",
}


def check_file(path: Path) -> None:
    """Raise ReadError unless `path` is an ordinary file that can be opened and is not an archive."""
    check_ordinary(path)
    if not is_text(path):
        raise ReadError(f"{path}: its name is not valid UTF-8; rename it.")
    kind = archive_kind(path)
    if kind:
        raise ReadError(f"{path}: is {kind}, not an image; unpack it, and give the scan that it contains.")


def check_ordinary(path: Path) -> None:
    """Raise ReadError for missing files, and for pipes, devices and sockets, which could be read for ever."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ReadError(f"{path}: is a pipe, a device or a socket, not a file; save the scan to a file first.")
    if not path.is_file():
        raise ReadError(f"{path}: there is no such file.")


def archive_kind(path: Path) -> str | None:
    """Return the kind of an archive or document, such as "a zip archive"; None for any other file.

    Raises:
        ReadError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ReadError(f"{path}: cannot be opened: {error.strerror}.") from error
    return _ARCHIVES.get(start)


def is_text(path: Path) -> bool:
    """Whether a path is valid UTF-8; ITK ends the whole process for any other path."""
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        return False
    return True


_anywhere = ContextVar("data files anywhere", default=False)


@contextmanager
def data_files_anywhere(allowed: bool = True) -> Iterator[None]:
    """Let headers, meanwhile and in this thread, name data files outside their own folder: for headers one trusts."""
    before = _anywhere.set(allowed)
    try:
        yield
    finally:
        _anywhere.reset(before)


def check_data_file(header: Path, name: str) -> Path:
    """Return the data file that a header names, if it is an ordinary file beside or below the header.

    Raises:
        ReadError: It lies elsewhere; otherwise an untrusted header could have any file of this computer read.
    """
    folder = header.resolve().parent
    path = (folder / name).resolve()
    if not _anywhere.get() and not path.is_relative_to(folder):
        raise ReadError(
            f"{header}: its data file {name} lies outside the header's folder; copy it beside the header, and name it"
            " there without a folder, or allow it (--allow-outside on the command line) if you trust who made it."
        )
    check_ordinary(path)
    return path


def check_numbered_files(header: Path, text: str) -> list[Path]:
    """Return the data files that a header names by a pattern and a range, such as ``slice%03d.raw 1 80 1``.

    Raises:
        ReadError: It is no such pattern, or a file lies elsewhere or is no ordinary one.
    """
    found = re.fullmatch(r"([^%]*)%(0?\d?)d([^%\s]*)((?:\s+-?\d+){2,4})", text.strip())
    first, last, step = (*map(int, found[4].split()), 1)[:3] if found else (0, 0, 0)
    if found is None or step == 0 or abs(last - first) // abs(step) >= _MOST_FILES:
        raise ReadError(f"{header}: names its data files by {text!r}, which is no pattern of numbers and its range.")
    numbers = range(first, last + (1 if step > 0 else -1), step)
    return [check_data_file(header, f"{found[1]}{number:{found[2]}d}{found[3]}") for number in numbers]


def _is_split(name: str) -> bool:
    """Whether a header names a data file for each slice, by a list or a pattern."""
    return name.upper().startswith("LIST") or "%" in name


def check_data_files(header: Path, name: str, listed: Iterable[str]) -> list[Path]:
    """Return the data files that a header names.

    Args:
        header: It.
        name: The name of one file, a pattern of numbers, or LIST.
        listed: The lines in which a list's names stand.

    Raises:
        ReadError: One of them lies elsewhere, or is no ordinary file.
    """
    if name.upper().startswith("LIST"):
        return [check_data_file(header, each.strip()) for each in listed if each.strip()]
    return check_numbered_files(header, name) if _is_split(name) else [check_data_file(header, name)]


def place_of_voxels(header: Path, start: int, files: list[Path] | None, name: str) -> tuple[Path | None, int, int]:
    """Return the one file that holds all voxels (None if there are several), where they begin in it, and their bytes.

    Args:
        header: The file with the header.
        start: Where its header ends.
        files: The files that it names for the voxels; None if the voxels follow it.
        name: By what it names them.
    """
    if files is None:
        return header, start, header.stat().st_size - start
    stored = sum(each.stat().st_size for each in files)
    return (None, start, stored) if _is_split(name) else (files[0], 0, stored)


def check_claim(path: Path, claimed: int, stored: int, *, deflated: bool) -> None:
    """Raise ReadError if a header claims more bytes of voxels than its file, or this machine's memory, can hold.

    Args:
        path: For the message.
        claimed: Bytes of all voxels by the header.
        stored: Bytes that the file has for them.
        deflated: Whether they are compressed.
    """
    if claimed > stored * (GREATEST_INFLATION if deflated else 1):
        raise ReadError(
            f"{path}: its header claims {claimed:,} bytes of voxels and the file has {stored:,}"
            f"{' compressed ones' if deflated else ''}; it is damaged or cut short. Copy or download it again."
        )
    memory = memory_bytes()
    if memory is not None and claimed > memory:
        raise ReadError(
            f"{path}: its header claims {claimed / 2**30:.0f} GB of voxels, more than the {memory / 2**30:.0f} GB of"
            " this machine; if that is true, crop the scan, else it is damaged."
        )


class Inflated:
    """Reads what follows in a file and is deflated, with the header of zlib or of gzip.

    Attributes:
        is_whole: Whether the end was reached, where its checksum is verified.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._unpack = file, zlib.decompressobj(_ANY_DEFLATE)

    @property
    def is_whole(self) -> bool:
        return self._unpack.eof

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, or as many as are left.

        Raises:
            zlib.error: They are damaged.
        """
        parts, left = [], size
        while left and not self._unpack.eof:
            packed = self._unpack.unconsumed_tail or self._file.read(_CHUNK_BYTES)
            if not packed:
                break
            parts.append(self._unpack.decompress(packed, left))
            left -= len(parts[-1])
        return b"".join(parts)


def check_deflated(path: Path, data: Path, start: int, claimed: int) -> int:
    """Unpack a compressed file's voxels, keeping nothing, to know that they are whole; return their bytes.

    MetaIO does not do so: of damaged data it makes voxels of whatever lay in memory.

    Args:
        path: For the message.
        data: The file that holds them.
        start: Where in it they begin.
        claimed: Bytes of all voxels by the header; at most `TAIL_BYTES` more are unpacked.

    Raises:
        ReadError: They are damaged, or fewer than claimed.
    """
    count = 0
    try:
        with data.open("rb") as file:
            file.seek(start)
            content = Inflated(file)
            while count <= claimed + TAIL_BYTES and (part := content.read(_CHUNK_BYTES)):
                count += len(part)
    except (OSError, zlib.error) as error:
        raise ReadError(f"{path}: its voxels cannot be unpacked; it is damaged or cut short ({error}).") from error
    if count < claimed or not (content.is_whole or count > claimed + TAIL_BYTES):
        raise ReadError(
            f"{path}: its header claims {claimed:,} bytes of voxels and {count:,} are there; it is cut short."
        )
    return count


def more_data(extra: int, claimed: int, slices: int) -> tuple[Finding, ...]:
    """Return a finding if a file holds a slice or more beyond what its header tells of.

    Args:
        extra: Bytes after the voxels.
        claimed: Bytes of all voxels.
        slices: How many these are.
    """
    if extra < max(1, claimed // slices):
        return ()
    message = f"The file holds at least {extra:,} bytes after the {claimed:,} of voxels that its header tells of."
    return (Finding("more-data", message + " Is the number of slices right?"),)


def spacing_of(values: Iterable[float], path: Path) -> list[float]:
    """Return the voxel spacing if all values are numbers above 0, else raise ReadError."""
    spacing = list(values)
    if not all(np.isfinite(value) and value > 0 for value in spacing):
        shown = " x ".join(f"{value:g}" for value in spacing)
        raise ReadError(f"{path}: its header gives the voxels' spacing as {shown}; save it with its true spacing.")
    return spacing


def unit_mm(unit: str, path: Path) -> float:
    """Return a header's unit of length in mm.

    Raises:
        ReadError: The unit is unknown.
    """
    known = {"": 1.0, "?": 1.0, "mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3, "nm": 1e-6}
    known |= {"millimeter": 1.0, "centimeter": 10.0, "meter": 1000.0, "micrometer": 1e-3, "micron": 1e-3}
    word = unit.strip().lower().replace("\u00b5", "u").replace("\u03bc", "u").replace("metre", "meter")
    for spelled in (word, word.removesuffix("s")):
        if spelled in known:
            return known[spelled]
    raise ReadError(f"{path}: its header gives lengths in {unit!r}, an unknown unit; save it in mm.")
