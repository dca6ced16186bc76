"""Reads a user's list of scans from CSV or JSON."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import parse_json
from LungUNetSegLib.errors import DataError

LIST_ENDINGS = (".csv", ".json")
PATH, SERIES, ID = "path", "series_uid", "id"


@dataclass(frozen=True)
class Row:
    """A scan of a list.

    Attributes:
        path: Folder, file or archive.
        series: The series that is wanted; None for the best.
        name: What the user calls the scan; "" without a name.
        more: The row's other columns.
    """

    path: Path
    series: str | None = None
    name: str = ""
    more: dict[str, str] = field(default_factory=dict)


def read_list(path: Path) -> list[Row]:
    """Return the rows of a list: CSV with a header line, or JSON with a list of paths or of objects.

    ``path`` is needed, relative to the list's own folder; ``series_uid`` chooses a series, ``id`` names the scan;
    other columns, such as ``site``, are kept.

    Raises:
        DataError: It cannot be read, has no column ``path``, or a row is without one.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: the list cannot be opened: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: the list is not UTF-8 text ({error}); save it as UTF-8.") from error
    rows = _json_rows(text, path) if path.suffix.lower() == ".json" else _csv_rows(text, path)
    if not rows:
        raise DataError(f"{path}: the list names no scan.")
    found = []
    for number, row in enumerate(rows, 1):
        if not row.get(PATH):
            raise DataError(f"{path}: row {number} has no {PATH!r}; each row needs the path of a scan.")
        more = {name: value for name, value in row.items() if name not in (PATH, SERIES, ID) and value}
        found.append(Row(path.parent / row[PATH], row.get(SERIES) or None, row.get(ID, ""), more))
    return found


def _csv_rows(text: str, path: Path) -> list[dict[str, str]]:
    titles = next(iter(text.splitlines()), "")
    separator = max(",;\t", key=titles.count)  # a spreadsheet takes the one that is usual in its user's country
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=separator)
    columns = reader.fieldnames or []
    if PATH not in columns:
        raise DataError(f"{path}: the list needs a column {PATH!r}; it has {', '.join(columns) or 'none'}.")
    return [{name: value.strip() for name, value in row.items() if name and value} for row in reader]


def _json_rows(text: str, path: Path) -> list[dict[str, str]]:
    try:
        content = parse_json(text)
    except ValueError as error:
        raise DataError(f"{path}: the list is not JSON: {error}.") from error
    if not isinstance(content, list):
        raise DataError(f"{path}: expected a list of paths, or of objects with {PATH!r}.")
    return [_json_row(each, number, path) for number, each in enumerate(content, 1)]


def _json_row(value: Any, number: int, path: Path) -> dict[str, str]:
    if isinstance(value, str):
        return {PATH: value}
    if not isinstance(value, Mapping):
        raise DataError(f"{path}: entry {number} is neither a path nor an object with {PATH!r}.")
    for name, each in value.items():
        if isinstance(each, (list, Mapping)) or (name in (PATH, SERIES) and not isinstance(each, (str, type(None)))):
            raise DataError(f"{path}: {name!r} of entry {number} is {each!r}; it has to be a text.")
    return {str(name): str(each) for name, each in value.items() if each is not None}
