"""Means and worst of the scores that benchmarks/architectures.py wrote, by network, kind of case and lung."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from architecture_runs import Row

from LungUNetSegLib.segments import LUNGS as SEGMENTS

LUNGS = tuple(segment.name for segment in SEGMENTS)
"""Lungs by their names in the scores."""


def accuracy_of(rows: Sequence[Row]) -> Row:
    """Mean and worst of a network's scores, volumes and single slices apart, and how far trainings lay apart."""
    whole = [row for row in rows if row["region"] == "whole scan"]
    result: Row = {}
    for kind, single in (("volumes", False), ("slices", True)):
        lungs = [row for row in whole if row["single"] == single and row["lung"] in LUNGS]
        there = lungs_there(lungs)
        for lung in LUNGS:
            own = [row for row in there if row["lung"] == lung]
            dsc = numbers_of(own, "dsc")
            hd95 = numbers_of(own, "hd95_mm")
            result[kind, lung] = {
                "mean": float(dsc.mean()) if dsc.size else float("nan"),
                "worst": float(dsc.min(initial=1.0)),
                "hd95": float(np.median(hd95)) if hd95.size else float("nan"),
            }
        result[kind, "trainings"] = _by_training(there)
        result[kind, "missed"] = f"{sum(not row['found_ml'] for row in there)} of {len(there)}"
        absent = [row for row in lungs if not row["reference_ml"]]
        false = [row["found_ml"] for row in absent if row["found_ml"]]
        result[kind, "false"] = f"{len(false)} of {len(absent)}" + (f", {sum(false):.1f} ml" if false else "")
    return result


def lungs_there(rows: Sequence[Row]) -> list[Row]:
    """Leave out the lungs that a reference does not hold."""
    return [row for row in rows if row["reference_ml"]]


def _by_training(rows: Sequence[Row]) -> list[float]:
    """Mean DSC of each training's lungs."""
    keys = sorted({(row["seed"], row["fold"]) for row in rows if row["dsc"] is not None})
    return [float(numbers_of([r for r in rows if (r["seed"], r["fold"]) == key], "dsc").mean()) for key in keys]


def is_judged(accuracy: dict[str, Row], kind: str) -> bool:
    """Whether the data have cases of this kind."""
    return any(each[kind, "trainings"] for each in accuracy.values())


def numbers_of(rows: Sequence[Row], score: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(N,) of the rows in which the score has a value; infinity is one."""
    values = np.array([float(row[score]) for row in rows if row[score] is not None], dtype=np.float64)
    return values[~np.isnan(values)]
