"""Finds files below a folder and in archives, with the size and date by which unchanged ones are recognised."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePath, PurePosixPath

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.endings import is_hidden

ARCHIVE_ENDING = ".zip"
DISC_DIRECTORY = "DICOMDIR"

GREATEST_ARCHIVE_BYTES = 1 << 40
"""What an archive may claim to unpack to; each member is held to its own claim while it is unpacked."""


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file that was found, on disk or in an archive.

    Attributes:
        path: On disk; of a member of an archive, the archive's.
        size: Bytes.
        mtime_ns: When it was last changed, in ns; of a member, when its archive was.
        member: Name inside of the archive; "" for a file of its own.
    """

    path: Path
    size: int
    mtime_ns: int
    member: str = ""

    @property
    def name(self) -> str:
        """A name that no other file has."""
        return f"{self.path}!/{self.member}" if self.member else str(self.path)


@dataclass
class Found:
    """The result of a search.

    Attributes:
        files: In the order of their names.
        skipped: Of what was left out, the path and the reason.
    """

    files: list[SourceFile] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def find_files(source: Path) -> Found:
    """Return all files of a folder at any depth, of a disc's directory, of an archive, or a file.

    Links are followed, each folder once; what cannot be opened is named among the skipped.

    Raises:
        ReadError: There is nothing at this place.
    """
    if not source.exists():
        link = "is a link that leads nowhere" if source.is_symlink() else "there is no such file or folder"
        raise ReadError(f"{source}: {link}.")
    found = Found()
    if source.is_dir():
        _walk(source, found)
    elif source.name.upper() == DISC_DIRECTORY:
        for path in _files_of_disc(source):
            _add(path, found)
    else:
        _add(source, found)
    found.files.sort(key=lambda each: each.name)
    return found


def written_out(path: Path) -> Path:
    """Return a path that is the same in every folder in which a command may run; links are kept."""
    path = path.absolute()
    return path.resolve() if ".." in path.parts else path


def _walk(top: Path, found: Found) -> None:
    seen = {_identity(top)}
    waiting = [str(top)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    _visit(entry, found, seen, waiting)
        except OSError as error:
            found.skipped.append((folder, f"the folder cannot be opened: {error.strerror}"))


def _visit(entry: os.DirEntry[str], found: Found, seen: set[tuple[int, int]], waiting: list[str]) -> None:
    path = Path(entry.path)
    if is_hidden(path):
        return
    try:
        if entry.is_dir():
            identity = _identity(path)
            if identity not in seen:
                seen.add(identity)
                waiting.append(entry.path)
        elif entry.is_file():
            status = entry.stat()
            _add_file(SourceFile(path, status.st_size, status.st_mtime_ns), found)
        elif entry.is_symlink():
            found.skipped.append((entry.path, "a link that leads nowhere"))
    except OSError as error:
        found.skipped.append((entry.path, f"cannot be looked at: {error.strerror}"))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _add(path: Path, found: Found) -> None:
    status = path.stat()
    _add_file(SourceFile(path, status.st_size, status.st_mtime_ns), found)


def _add_file(file: SourceFile, found: Found) -> None:
    if file.path.suffix.lower() != ARCHIVE_ENDING:
        found.files.append(file)
        return
    try:
        found.files += archive_members(file)
    except ReadError as error:
        found.skipped.append((str(file.path), str(error).removeprefix(f"{file.path}: ").rstrip(".")))


def archive_members(archive: SourceFile) -> list[SourceFile]:
    """Return the files of a zip archive.

    Raises:
        ReadError: It is broken or encrypted, or holds a path that leaves the folder it is unpacked to.
    """
    try:
        with zipfile.ZipFile(archive.path) as content:
            infos = [each for each in content.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise ReadError(f"{archive.path}: the zip archive is broken ({error}); copy or export it again.") from error
    if sum(each.file_size for each in infos) > GREATEST_ARCHIVE_BYTES:
        raise ReadError(f"{archive.path}: the zip archive claims to hold more than a terabyte; it is not unpacked.")
    for each in infos:
        if not is_safe_member(each.filename):
            raise ReadError(
                f"{archive.path}: the zip archive contains {each.filename!r}, which would be written outside its"
                " folder. Such an archive is unsafe; it is not unpacked."
            )
        if each.flag_bits & 1:
            raise ReadError(f"{archive.path}: the zip archive is encrypted; unpack it with its password.")
    names = (each for each in infos if not is_hidden(Path(each.filename)) and "__MACOSX/" not in each.filename)
    return [SourceFile(archive.path, each.file_size, archive.mtime_ns, each.filename) for each in names]


def is_safe_member(name: str) -> bool:
    """Whether the path of an archive's member stays in the folder that the archive is unpacked to."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0] and "\0" not in name


def unpack(files: Sequence[SourceFile], folder: Path) -> list[Path]:
    """Unpack members of archives into a folder, and return their paths in order; other files stay where they are.

    Raises:
        ReadError: An archive is damaged, or a member is larger than it claims.
    """
    places = places_below(folder, files)
    pairs = zip(files, places, strict=True)
    for archive, members in groupby(pairs, key=lambda pair: pair[0].path if pair[0].member else None):
        if archive is None:
            continue
        try:
            with zipfile.ZipFile(archive) as content:
                for file, place in members:
                    _unpack_one(content, file, place)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise ReadError(f"{archive}: the zip archive is broken ({error}); copy or export it again.") from error
    return [place if file.member else file.path for file, place in zip(files, places, strict=True)]


def places_below(folder: Path, files: Sequence[SourceFile]) -> list[Path]:
    """Return a path below a folder for each file; files of one folder lie together, under their own names."""
    numbers: dict[tuple[PurePath, int], int] = {}
    met: Counter[tuple[PurePath, str]] = Counter()
    places = []
    for each in files:
        path = each.path / PurePosixPath(each.member.replace("\\", "/")) if each.member else each.path
        name = path.parent, path.name.casefold()
        again = met[name]  # an archive may hold a name twice
        met[name] += 1
        number = numbers.setdefault((path.parent, again), len(numbers))
        places.append(folder / f"{number:06}" / path.name)
    return places


def _unpack_one(content: zipfile.ZipFile, file: SourceFile, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    left = file.size
    with content.open(file.member) as packed, path.open("wb") as unpacked:
        while chunk := packed.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ReadError(f"{file.path}: {file.member} unpacks to more than it claims; the archive is damaged.")
            unpacked.write(chunk)


def _files_of_disc(directory: Path) -> Iterator[Path]:
    """The files that a DICOMDIR names and that are there (PS3.3 F.3)."""
    dataset = read_dataset(directory)
    if dataset is None or "DirectoryRecordSequence" not in dataset:
        raise ReadError(f"{directory}: is no directory of a DICOM disc, or damaged; give the folder in which it lies.")
    top = (directory.resolve() if directory.is_symlink() else directory).parent
    for record in dataset.DirectoryRecordSequence:
        parts = record.get("ReferencedFileID")
        if not parts:
            continue
        path = top.joinpath(*([parts] if isinstance(parts, str) else map(str, parts)))
        if path.resolve().is_relative_to(top.resolve()) and path.is_file():
            yield path
