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


def check_no_second_result(batch: Command, source: Path, copy: Callable[[], object]) -> None:
    """Check that a scan keeps its one result, in `out` beside its source, when it is copied within the source later."""
    out = source.parent / "out"
    batch(source)
    (report,) = (out / "scans").glob("*/scan.json")
    before = report.stat().st_mtime_ns
    copy()
    code, stdout, _ = batch(source)
    assert code == 0 and "1 of 1 scans done, 0 failed" in stdout and "earlier runs" not in stdout
    assert len(rows_of(out)) == 1 and report.stat().st_mtime_ns == before
