"""Writes all scans of a batch as one table, from their reports; docs/json.md explains the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LungUNetSegLib.files import csv_text, replacing, utf8_text, write_csv
from LungUNetSegLib.machine import import_extra
from LungUNetSegLib.measures.density import TABLE_KEYS
from LungUNetSegLib.segmentation.quality import LOW_CONFIDENCE
from LungUNetSegLib.segmentation.table import REGION_COLUMNS, region_numbers
from LungUNetSegLib.segments import LUNG_NAMES

TEXTS = (
    *("name", "status", "id", "path", "description", "patient_id", "study_date", "accession_number", "study_uid"),
    *("series_uid", "series_number", "site", "manufacturer", "scanner", "kernel"),
)
NUMBERS = (
    *("thickness_mm", "slices", "rows", "columns", "slice_mm", "row_mm", "column_mm"),
    *(f"{lung}_ml" for lung in LUNG_NAMES),
    *(f"{lung}_mean_hu" for lung in LUNG_NAMES),
    *(f"{lung}_{key}" for lung in LUNG_NAMES for key in TABLE_KEYS),
    *REGION_COLUMNS,
    *("confidence", "air_share", "tissue_share", "cut_mm2"),
    *("removed_ml", "moved_ml", "filled_ml", "outside_ml", "fluid_ml", "added_ml"),
    "seconds",
)
LAST_TEXTS = ("findings", "engine", "version", "model", "model_sha256", "error")
COLUMNS = (*TEXTS, *NUMBERS, *LAST_TEXTS)

DONE, FAILED = "done", "failed"

Row = dict[str, Any]


def row_of(report: Mapping[str, Any]) -> Row:
    """Return the row of a scan's report; unknown values are None."""
    row: Row = dict.fromkeys(COLUMNS)
    row["name"] = report["name"]
    row["status"] = FAILED if report.get("error") else DONE
    row["error"] = report.get("error")
    for part in ("identity", "scanner"):
        row |= {name: value or None for name, value in report.get(part, {}).items() if name in row}
    if row["status"] == FAILED:
        return row
    geometry = report["geometry"]
    row["slices"], row["rows"], row["columns"] = geometry["shape"]
    row["slice_mm"], row["row_mm"], row["column_mm"] = geometry["spacing_mm"]
    for lung in LUNG_NAMES:
        row[f"{lung}_ml"] = report["volumes_ml"][lung]
        row[f"{lung}_mean_hu"] = report["mean_hu"][lung]
        density = report.get("density", {}).get(lung) or {}  # scans done before there was any have none
        row |= {f"{lung}_{key}": density.get(key) for key in TABLE_KEYS}
    row |= region_numbers(report)
    quality = report["quality"]
    row |= {name: quality[name] for name in row.keys() & quality.keys()}
    row["cut_mm2"] = sum(quality["cut_mm2"].values())
    row["findings"] = " ".join(finding["code"] for finding in report["findings"])
    row["engine"], row["version"] = report["engine"], report["lungunetseg"]
    row["model"], row["model_sha256"] = report["model"]["name"], report["model"]["sha256"]
    row["seconds"] = sum(value for name, value in report["seconds"].items() if name != "load")
    return row


def is_doubtful(row: Row) -> bool:
    """Whether a scan that is done is one to look at: no lung was found, or the confidence is low."""
    return row["confidence"] is None or row["confidence"] < LOW_CONFIDENCE


def write_results(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV (UTF-8, a comma between cells).

    Raises:
        WriteError: The file cannot be written.
    """
    write_csv(path, COLUMNS, ([_cell(row[name]) for name in COLUMNS] for row in rows))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else csv_text(str(value)) if isinstance(value, str) else str(value)


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as Parquet: texts, and numbers as float64.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        WriteError: The file cannot be written.
    """
    need = "results.parquet, which holds what results.csv does, needs pyarrow"
    pyarrow, parquet = (import_extra(name, need, "batch") for name in ("pyarrow", "pyarrow.parquet"))
    kinds = {name: pyarrow.float64() if name in NUMBERS else pyarrow.string() for name in COLUMNS}
    schema = pyarrow.schema(list(kinds.items()))
    value = {name: float if name in NUMBERS else lambda text: utf8_text(str(text)) for name in COLUMNS}
    columns = {name: [None if row[name] is None else value[name](row[name]) for row in rows] for name in COLUMNS}
    with replacing(path, ".parquet") as draft:
        parquet.write_table(pyarrow.table(columns, schema=schema), draft)
