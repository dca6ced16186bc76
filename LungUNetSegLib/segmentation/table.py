"""Writes the summaries of segmented scans as one CSV table; docs/json.md explains each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LungUNetSegLib.files import csv_text, write_csv
from LungUNetSegLib.measures.density import TABLE_KEYS
from LungUNetSegLib.measures.regions import REGIONS
from LungUNetSegLib.segments import LUNG_NAMES

REGION_COLUMNS = {
    f"{lung}_{region}_{key}": (lung, region, key)
    for lung in LUNG_NAMES
    for region in REGIONS
    for key in ("volume_ml", "mean_hu", "laa950_percent")
}
"""Columns of the parts of the lungs, and where their numbers are in a summary's ``regions``."""

COLUMNS = (
    "input", "output", "series_uid", *(f"{lung}_ml" for lung in LUNG_NAMES),
    *(f"{lung}_mean_hu" for lung in LUNG_NAMES), *(f"{lung}_{key}" for lung in LUNG_NAMES for key in TABLE_KEYS),
    *REGION_COLUMNS, "findings", "model", "engine", "seconds", "error",
)  # fmt: skip


def write_table(path: Path, summaries: Sequence[Mapping[str, Any]]) -> None:
    """Write one row for each scan; unknown values are empty cells.

    Args:
        path: Of the CSV file (UTF-8, a comma between cells).
        summaries: From `summary.report`, with the file names; for a failed scan, "input" and "error".

    Raises:
        WriteError: The file cannot be written.
    """
    rows = map(_row, summaries)
    write_csv(path, COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))


def _row(summary: Mapping[str, Any]) -> dict[str, str]:
    row = {name: csv_text(summary.get(name) or "") for name in ("input", "output", "series_uid", "engine", "error")}
    if "error" not in summary:
        for lung in LUNG_NAMES:
            row[f"{lung}_ml"] = _number(summary["volumes_ml"][lung], 1)
            row[f"{lung}_mean_hu"] = _number(summary["mean_hu"][lung], 1)
            density = summary["density"][lung] or {}
            row |= {f"{lung}_{key}": _number(density.get(key), 2) for key in TABLE_KEYS}
        row |= {name: _number(value, 2) for name, value in region_numbers(summary).items()}
        row["findings"] = " ".join(finding["code"] for finding in summary["findings"])
        row["model"] = csv_text(summary["model"]["name"])
        row["seconds"] = _number(sum(summary["seconds"].values()), 2)
    return row


def region_numbers(summary: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the value of each of `REGION_COLUMNS`; None where there is none."""
    regions = summary.get("regions") or {}
    return {
        name: ((regions.get(lung) or {}).get(region) or {}).get(key)
        for name, (lung, region, key) in REGION_COLUMNS.items()
    }


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"
