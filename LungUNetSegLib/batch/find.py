"""Finds files below a folder and in archives, with the size and date by which unchanged ones are recognised."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePath, PurePosixPath

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.endings import is_hidden
from LungUNetSegLib.texts import listed

ARCHIVE_ENDING = ".zip"
DISC_DIRECTORY = "DICOMDIR"

GREATEST_ARCHIVE_BYTES = 1 << 40
"""What an archive may claim to unpack to; each member is held to its own claim while it is unpacked."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
"""How members may be compressed. Windows compresses great files by another method, Deflate64."""

_DAMAGE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error)
"""What unpacking a damaged member raises."""


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
        _look_up(source, found)
    else:
        _add(source, found)
    found.files.sort(key=lambda each: each.name)
    return found


def written_out(path: Path) -> Path:
    """Return a path that is the same in every folder in which a command may run; links are kept."""
    path = path.absolute()
    return path.resolve() if ".." in path.parts else path


def _walk(top: Path, found: Found) -> None:
    seen: set[tuple[int, int]] = set()
    waiting = deque([str(top)])
    while waiting:
        folder = waiting.pop()
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    _visit(entry, found, waiting)
        except OSError as error:
            found.skipped.append((folder, f"the folder cannot be opened: {error.strerror}"))


def _visit(entry: os.DirEntry[str], found: Found, waiting: deque[str]) -> None:
    path = Path(entry.path)
    if is_hidden(path):
        return
    try:
        if entry.is_symlink() and entry.is_dir():
            waiting.appendleft(entry.path)  # after all folders: one that lies here, too, keeps its own name
        elif entry.is_dir():
            waiting.append(entry.path)
        elif entry.is_file():
            status = entry.stat()
            _add_file(SourceFile(path, status.st_size, status.st_mtime_ns), found)
        elif entry.is_symlink():
            found.skipped.append((entry.path, "a link that leads nowhere"))
    except OSError as error:
        found.skipped.append((entry.path, f"cannot be looked at: {error.strerror}"))


def _add(path: Path, found: Found) -> None:
    status = path.stat()
    _add_file(SourceFile(path, status.st_size, status.st_mtime_ns), found)


def _add_file(file: SourceFile, found: Found) -> None:
    if file.path.suffix.lower() != ARCHIVE_ENDING:
        found.files.append(file)
        return
    try:
        members = archive_members(file)
        found.files += members
        if not members:
            found.skipped.append((str(file.path), "the zip archive is empty"))
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
    except PermissionError as error:
        raise ReadError(f"{archive.path}: the zip archive cannot be opened: {error.strerror}.") from error
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise _broken(archive.path, error) from error
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
        if each.compress_type not in _METHODS:
            raise ReadError(
                f"{archive.path}: the zip archive is compressed by a method that this program does not know (number"
                f" {each.compress_type}); unpack it."
            )
    seen = (each for each in infos if not any(is_hidden(Path(part)) for part in _inside(each.filename).parts))
    return [
        SourceFile(archive.path, each.file_size, archive.mtime_ns, each.filename)
        for each in seen
        if "__MACOSX" not in _inside(each.filename).parts
    ]


def is_safe_member(name: str) -> bool:
    """Whether the path of an archive's member stays in the folder that the archive is unpacked to."""
    path = _inside(name)
    return not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0] and "\0" not in name


def _inside(name: str) -> PurePosixPath:
    """Return the path of an archive's member; some programs of Windows write it with backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def unpack(files: Sequence[SourceFile], folder: Path, damaged: set[SourceFile] | None = None) -> list[Path]:
    """Unpack members of archives into a folder, and return their paths in order; other files stay where they are.

    Args:
        files: From `find_files`.
        folder: For the members.
        damaged: Gets the members that cannot be unpacked; if None, the first of them is an error.

    Raises:
        ReadError: An archive is damaged, or a member is larger than it claims.
    """
    places = places_below(folder, files)
    pairs = zip(files, places, strict=True)
    for archive, group in groupby(pairs, key=lambda pair: pair[0].path if pair[0].member else None):
        if archive is None:
            continue
        members = list(group)
        try:
            with zipfile.ZipFile(archive) as content:
                for file, place in members:
                    try:
                        _unpack_one(content, file, place)
                    except ReadError:
                        if damaged is None:
                            raise
                        damaged.add(file)
        except zipfile.BadZipFile as error:
            if damaged is None:
                raise _broken(archive, error) from error
            damaged |= {file for file, _ in members}
    return [place if file.member else file.path for file, place in zip(files, places, strict=True)]


def places_below(folder: Path, files: Sequence[SourceFile]) -> list[Path]:
    """Return a path below a folder for each file; files of one folder lie together, under their own names."""
    numbers: dict[tuple[PurePath, int], int] = {}
    met: Counter[tuple[PurePath, str]] = Counter()
    places = []
    for each in files:
        path = each.path / _inside(each.member) if each.member else each.path
        name = path.parent, path.name.casefold()
        again = met[name]  # an archive may hold a name twice
        met[name] += 1
        number = numbers.setdefault((path.parent, again), len(numbers))
        places.append(folder / f"{number:06}" / path.name)
    return places


def _unpack_one(content: zipfile.ZipFile, file: SourceFile, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    left = file.size
    try:
        with content.open(file.member) as packed, path.open("wb") as unpacked:
            while chunk := packed.read(min(1 << 20, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise ReadError(
                        f"{file.path}: {file.member} unpacks to more than it claims; the archive is damaged."
                    )
                unpacked.write(chunk)
    except _DAMAGE as error:
        raise _broken(file.path, error) from error


def _broken(archive: Path, error: Exception) -> ReadError:
    return ReadError(f"{archive}: the zip archive is broken ({error}); copy or export it again.")


def _look_up(directory: Path, found: Found) -> None:
    """Find the files that a DICOMDIR names (PS3.3 F.3), and name those that are not there."""
    dataset = read_dataset(directory)
    if dataset is None or "DirectoryRecordSequence" not in dataset:
        raise ReadError(f"{directory}: is no directory of a DICOM disc, or damaged; give the folder in which it lies.")
    top = (directory.resolve() if directory.is_symlink() else directory).parent
    missing = []
    for record in dataset.DirectoryRecordSequence:
        parts = record.get("ReferencedFileID")
        if not parts:
            continue
        names = [parts] if isinstance(parts, str) else [str(each) for each in parts]
        # A disc has its names in capitals; a copy of it may have lost them.
        paths = (top.joinpath(*names), top.joinpath(*(each.lower() for each in names)))
        path = next((each for each in paths if each.is_file() and _is_below(each, top)), None)
        if path is None:
            missing.append("/".join(names))
        else:
            _add(path, found)
    if missing:
        what = f"{len(missing)} of the files that it names are not on the disc: {listed(missing, 3)}"
        found.skipped.append((str(directory), what))


def _is_below(path: Path, top: Path) -> bool:
    return path.resolve().is_relative_to(top.resolve())
