"""Writes the scores of an evaluation as CSV for spreadsheets and JSON for programs.

An undefined score is an empty cell, or null. An infinite distance is ``inf`` in CSV and null in JSON, which has no
infinite numbers; the finding ``not-predicted`` or ``not-in-reference`` gives the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import to_json
from LungUNetSegLib.evaluation.evaluate import EvaluatedCase, summarise_cases, summarise_slices
from LungUNetSegLib.files import csv_text, finite, write_csv, write_json
from LungUNetSegLib.segments import BOTH_LUNGS
from LungUNetSegLib.texts import number_text, rounded


@dataclass(frozen=True, kw_only=True)
class Column:
    """How a field of `RegionScores` is displayed.

    Attributes:
        field: Name of the field.
        title: Title in a table.
        unit: Its unit, or empty.
        decimals: Number of meaningful decimals.
    """

    field: str
    title: str
    unit: str = ""
    decimals: int = 3

    @property
    def heading(self) -> str:
        """Title and unit, as plain text."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def text(self, value: float) -> str:
        """Return a value for display: "n/a" if it is undefined, "inf" if infinite; differences have a sign.

        The text is ASCII, since not every terminal can show more.
        """
        return "n/a" if math.isnan(value) else rounded(value, self.decimals, signed=self._is_signed)

    def page_text(self, value: float) -> str:
        """Return a value as pages and pictures show it: with a real minus, "–" if it is undefined, "∞" if infinite."""
        return number_text(value, self.decimals, signed=self._is_signed)

    @property
    def _is_signed(self) -> bool:
        return self.field.startswith("difference")


COLUMNS = (
    Column(field="dsc", title="DSC"),
    Column(field="jaccard", title="Jaccard"),
    Column(field="sensitivity", title="Sensitivity"),
    Column(field="precision", title="Precision"),
    Column(field="accuracy", title="Binary accuracy", decimals=4),
    Column(field="surface_dsc_2mm", title="Surface DSC, 2 mm"),
    Column(field="mean_surface_mm", title="Mean surface distance", unit="mm", decimals=2),
    Column(field="hd95_mm", title="HD95", unit="mm", decimals=1),
    Column(field="hd_mm", title="Hausdorff distance", unit="mm", decimals=1),
    Column(field="prediction_ml", title="Predicted volume", unit="ml", decimals=0),
    Column(field="reference_ml", title="Reference volume", unit="ml", decimals=0),
    Column(field="difference_ml", title="Volume difference", unit="ml", decimals=0),
    Column(field="difference_percent", title="Volume difference", unit="%", decimals=1),
)


def write_cases_csv(path: Path, cases: Sequence[EvaluatedCase]) -> None:
    """Write a row for each region of each case, and one for each failed case; names are changed by `csv_text`.

    Raises:
        WriteError: The file cannot be written.
    """
    header = ["case", "region", *(column.field for column in COLUMNS), "findings", "error"]
    rows: list[list[str]] = []
    for case in cases:
        findings = " ".join(finding.code for finding in case.findings)
        for region in case.regions:
            scores = [_cell(getattr(region, column.field)) for column in COLUMNS]
            rows.append([csv_text(case.name), region.name, *scores, findings, ""])
        if case.error:
            rows.append([csv_text(case.name), "", *("" for _ in COLUMNS), "", csv_text(case.error)])
    write_csv(path, header, rows)


def write_slices_csv(path: Path, cases: Sequence[EvaluatedCase]) -> None:
    """Write a row for each slice, from foot to head; the DSC is empty where neither mask has a voxel.

    Raises:
        WriteError: The file cannot be written.
    """
    rows: list[list[str]] = []
    for case in cases:
        name = csv_text(case.name)
        for region in case.regions:
            scores = zip(region.dsc_by_slice, region.accuracy_by_slice, region.wrong_by_slice, strict=True)
            for index, (dsc, accuracy, wrong) in enumerate(scores):
                z_mm = f"{case.slice_z_mm[index]:.3f}"
                rows.append([name, region.name, str(index), z_mm, _cell(dsc), _cell(accuracy), str(wrong)])
    write_csv(path, ["case", "region", "slice", "z_mm", "dsc", "accuracy", "wrong_voxels"], rows)


def write_scores_json(path: Path, cases: Sequence[EvaluatedCase], about: Mapping[str, str]) -> None:
    """Write all results except the pictures.

    Args:
        path: Path of the file.
        cases: From `evaluate_pairs`.
        about: From `report.about`; written unchanged.

    Raises:
        WriteError: The file cannot be written.
    """
    content = {
        "about": dict(about),
        "summary": {column.field: summarise_cases(cases, column.field) for column in COLUMNS},
        "slices": {"dsc": summarise_slices(cases, "dsc"), "accuracy": summarise_slices(cases, "accuracy")},
        "cases": [{key: value for key, value in to_json(case).items() if key != "pictures"} for case in cases],
    }
    write_json(path, _plain(content))


def describe_slices(cases: Sequence[EvaluatedCase]) -> str:
    """Return a sentence on all slices of the cases; at least one case must not have failed."""
    name = BOTH_LUNGS[0].name
    dsc, accuracy = summarise_slices(cases, "dsc")[name], summarise_slices(cases, "accuracy")[name]
    return (
        f"Both lungs by slice: mean DSC {COLUMNS[0].text(dsc.mean)} over {dsc.finite} slices, mean binary accuracy "
        f"{accuracy.mean:.4f} over {accuracy.finite}; {dsc.undefined} slices have no lung in either label map."
    )


def _plain(value: Any) -> Any:
    """Return `value` as JSON can represent it: numbers that are not finite become null."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _plain(to_json(value)) if hasattr(value, "__dataclass_fields__") else value


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
