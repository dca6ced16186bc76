"""What tests of batches look at."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from LungUNetSegLib.batch.index import HeaderIndex
from LungUNetSegLib.batch.plan import Plan, PlanOptions, make_plan

Command = Callable[..., tuple[int, str, str]]
"""A command run in this process; gives (exit code, stdout, stderr)."""


def plan_of(source: Path, index: Path | None = None, **options: object) -> Plan:
    """Return the plan of a source, with an index that is kept in a file or, if None, forgotten."""
    headers = HeaderIndex(index)
    try:
        return make_plan(source, PlanOptions(**options), headers)
    finally:
        headers.close()


def folders_of_results(out: Path) -> list[str]:
    """Return the names of the scans that are done, without the digits that make them unique."""
    return sorted(path.name.rpartition("-")[0] for path in (out / "scans").iterdir())


def rows_of(out: Path) -> list[dict[str, str]]:
    """Return the rows of a batch's table."""
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
