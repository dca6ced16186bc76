"""Keeps the headers that were read on disk, so that a second plan opens only files that are new or changed."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import LungUNetSegLib
from LungUNetSegLib.batch.find import SourceFile, unpack
from LungUNetSegLib.batch.header_processes import Texts, read_in_parts
from LungUNetSegLib.batch.header_texts import NOT_OPENED, Details, ImageHeader, decode, read_texts, series_key
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.machine import cores
from LungUNetSegLib.progress import Progress, silent

FEW_FILES = 600
"""At most this many are read in this process, as starting others takes longer; more are read in parts of this size."""

_MADE_BY = f"{LungUNetSegLib.__version__}, form 2"
"""By what an index is known as one of this version, in the form in which it keeps headers."""

DAMAGED = "files of zip archives that are damaged"
_DAMAGED = ("", json.dumps(DAMAGED))

_TABLES = """
CREATE TABLE IF NOT EXISTS file
    (name BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, study TEXT, found TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS details (series TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content (what TEXT PRIMARY KEY, hash TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_study ON file (study);
"""


@dataclass(frozen=True)
class Study:
    """The CT slices of one study.

    Attributes:
        slices: In the order of their files' names; `path` is the file's `SourceFile.name`.
        details: Of each series, by `series_key`, what tells scanners and sites apart.
    """

    slices: list[SliceHeader]
    details: Details


class HeaderIndex:
    """Headers by path, size and date, in an SQLite file.

    Args:
        path: Its file, made anew where it is missing, damaged or of another version; None keeps all in memory.

    Raises:
        WriteError: The file cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        try:
            self._database = self._open()
        except sqlite3.DatabaseError:  # cut short by a full disk or a power cut: it can be made again
            assert path is not None
            path.unlink(missing_ok=True)
            with self._writing():
                self._database = self._open()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path or ":memory:")
        try:
            database.executescript(_TABLES)
            (made_by,) = next(database.execute("SELECT text FROM details WHERE series = ''"), (None,))
            if made_by != _MADE_BY:
                database.executescript("DELETE FROM file; DELETE FROM details; DELETE FROM content;")
                database.execute("INSERT INTO details VALUES ('', ?)", (_MADE_BY,))
                database.commit()
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise WriteError(f"{self._path}: cannot be written; is the disk full? ({error}).") from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def update(self, files: Sequence[SourceFile], progress: Progress = silent) -> None:
        """Read the files that are not in the index or have changed.

        Args:
            files: From `find_files`.
            progress: Called with ("plan", files known, files).

        Raises:
            WriteError: What was read cannot be kept.
        """
        rows = self._database.execute("SELECT name, size, mtime_ns FROM file")
        known = {name: (size, mtime_ns) for name, size, mtime_ns in rows}
        fresh = [each for each in files if known.get(_key(each.name)) != (each.size, each.mtime_ns)]
        done = len(files) - len(fresh)
        progress("plan", done, len(files))
        with closing(_read_new(fresh)) as read:
            for part, (texts, details) in read:
                self._keep(part, texts, details)
                done += len(part)
                progress("plan", done, len(files))

    def _keep(self, part: Sequence[SourceFile], texts: Sequence[tuple[str, str]], details: Details) -> None:
        rows = [
            # A file that could not be read is looked at again: no file has this size.
            (_key(each.name), -1 if _may_be_mended(text) else each.size, each.mtime_ns, study, text)
            for each, (study, text) in zip(part, texts, strict=True)
        ]
        with self._writing(), self._database:
            self._database.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", rows)
            self._database.executemany(
                "INSERT OR REPLACE INTO details VALUES (?, ?)",
                [(key, json.dumps(each)) for key, each in details.items()],
            )

    def known_content(self, what: str, compute: Callable[[], str]) -> str:
        """Return a hash of files' content, computed when it is first asked for.

        Args:
            what: Names it; another text for files that have changed.
            compute: Reads the files.

        Raises:
            WriteError: It cannot be kept.
        """
        (known,) = next(self._database.execute("SELECT hash FROM content WHERE what = ?", (what,)), (None,))
        if known is None:
            known = compute()
            with self._writing(), self._database:
                self._database.execute("INSERT INTO content VALUES (?, ?)", (what, known))
        return str(known)

    def others(self, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, ImageHeader | str]]:
        """Yield the files without a CT slice, with their kind or the image in them; call `update` first."""
        by_key = {_key(each.name): each for each in files}
        for name, text in self._database.execute("SELECT name, found FROM file WHERE study = ''"):
            if name in by_key:
                found = decode(text, Path(by_key[name].name))
                if not isinstance(found, list):
                    yield by_key[name], found

    def studies(self, files: Sequence[SourceFile]) -> Iterator[Study]:
        """Yield the CT slices of the files study by study, so that one study is in memory; call `update` first."""
        # Making paths takes most of the time, so those that there are serve.
        paths = {_key(each.name): Path(each.name) if each.member else each.path for each in files}
        details = dict(self._database.execute("SELECT series, text FROM details WHERE series != ''"))
        rows = self._database.execute("SELECT study, name, found FROM file WHERE study != '' ORDER BY study, name")
        for _, group in groupby(rows, key=lambda row: row[0]):
            slices: list[SliceHeader] = []
            for _, name, text in group:
                found = decode(text, paths[name]) if name in paths else []
                slices += found if isinstance(found, list) else []
            if slices:
                own = set(map(series_key, slices)) & details.keys()
                yield Study(slices, {key: json.loads(details[key]) for key in own})


def _may_be_mended(text: str) -> bool:
    """Whether a file may be read tomorrow though it does not change: by other rights, or with its voxels beside it."""
    return text == json.dumps(NOT_OPENED) or (text.startswith("{") and bool(json.loads(text)["error"]))


def _key(name: str) -> bytes:
    """Return a file's name in a form that SQLite accepts, whatever bytes are in it."""
    return name.encode(errors="surrogatepass")


def _read_new(files: Sequence[SourceFile]) -> Generator[tuple[list[SourceFile], Texts], None, None]:
    """Read files, those of archives in folders that are removed again, and yield them in parts as they come."""
    loose = [each for each in files if not each.member]
    packed: dict[Path, list[SourceFile]] = {}
    for each in files:
        if each.member:
            packed.setdefault(each.path, []).append(each)
    parts = [loose[start : start + FEW_FILES] for start in range(0, len(loose), FEW_FILES)]
    count = cores() if len(parts) > 1 else 1
    with closing(read_in_parts([[each.path for each in part] for part in parts], count)) as read:
        yield from zip(parts, read, strict=True)
    for members in packed.values():
        with tempfile.TemporaryDirectory(prefix="lungunetseg-") as folder:
            damaged: set[SourceFile] = set()
            paths = unpack(members, Path(folder), damaged)
            whole = [path for each, path in zip(members, paths, strict=True) if each not in damaged]
            texts, details = read_texts(whole)
            of_whole = iter(texts)
            yield members, ([_DAMAGED if each in damaged else next(of_whole) for each in members], details)
