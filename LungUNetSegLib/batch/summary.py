"""Summarises a batch by site, scanner or kernel: number of scans, volumes and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median, pstdev

from LungUNetSegLib.batch.table import DONE, Row, is_doubtful

GROUPS = ("site", "scanner", "kernel")
HEADER = ("scans", "failed", "total ml: mean", "SD", "mean HU", "confidence: median", "doubtful", "s a scan")


def summarise(rows: Sequence[Row], by: str) -> list[tuple[str, ...]]:
    """Return a line for each value of a column, the most frequent first: its name, then the columns of `HEADER`.

    Args:
        rows: From `table.row_of`.
        by: One of `GROUPS`.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[by] or "not given", []).append(row)
    return [(name, *_line(own)) for name, own in sorted(groups.items(), key=lambda each: (-len(each[1]), each[0]))]


def _line(rows: Sequence[Row]) -> tuple[str, ...]:
    done = [row for row in rows if row["status"] == DONE]
    volumes = _known(done, "total_ml")
    confidences = _known(done, "confidence")
    return (
        str(len(rows)),
        str(len(rows) - len(done)),
        f"{mean(volumes):.0f}" if volumes else "",
        f"{pstdev(volumes):.0f}" if volumes else "",
        f"{mean(densities):.0f}" if (densities := _known(done, "total_mean_hu")) else "",
        f"{median(confidences):.3f}" if confidences else "",
        str(sum(is_doubtful(row) for row in done)),
        f"{mean(_known(done, 'seconds')):.1f}" if done else "",
    )


def _known(rows: Sequence[Row], name: str) -> list[float]:
    return [row[name] for row in rows if row[name] is not None]
