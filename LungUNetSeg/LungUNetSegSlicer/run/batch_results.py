"""Reads a batch's folder of results while it fills: only the files that are new or have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from LungUNetSegLib.batch.store import REPORT, Store, read_json


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """A scan that is done or has failed.

    Attributes:
        name: Of its folder of results.
        title: For people: the name in a list, or the end of its path.
        report: What its file says; of a failed scan its ``error`` and ``identity``.
    """

    name: str
    title: str
    report: Mapping[str, Any]

    @property
    def error(self) -> str:
        """Why it failed; "" if it is done."""
        return str(self.report.get("error") or "")


class BatchResults:
    """A folder of results that is looked at again and again.

    Args:
        folder: Of the results; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder)
        self._seen: dict[Path, int] = {}

    def fresh(self) -> list[BatchRow]:
        """Return what has come or changed since the last call, in the order of their names."""
        found = {}
        for name, path in self._files():
            try:
                changed = path.stat().st_mtime_ns
            except OSError:  # replaced at this moment
                continue
            if self._seen.get(path) != changed:
                report = read_json(path)
                if report is not None:
                    self._seen[path] = changed
                    found[name] = BatchRow(name=name, title=_title(name, report), report=report)
        return [found[name] for name in sorted(found)]

    def _files(self) -> Iterator[tuple[str, Path]]:
        for path in self._store.failures.glob("*.json"):
            yield path.stem, path
        for path in self._store.scans.glob(f"*/{REPORT}"):
            yield path.parent.name, path


def _title(name: str, report: Mapping[str, Any]) -> str:
    identity = report.get("identity", {})
    if identity.get("id"):
        return str(identity["id"])
    if not identity.get("path"):
        return name
    words = [*PurePath(identity["path"]).parts[-2:], identity.get("description", "")]
    return " / ".join(dict.fromkeys(filter(None, words)))
