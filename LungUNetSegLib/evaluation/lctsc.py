"""Scores predictions as in the challenge LCTSC 2017: each lung of a case, and means over cases and institutions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from LungUNetSegLib.cases.lctsc import institution_of
from LungUNetSegLib.evaluation.compare import Comparison
from LungUNetSegLib.files import csv_text, write_csv
from LungUNetSegLib.metrics import LctscScores, lctsc_scores, surface_distances
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import bounding_box

SCORES = tuple(field.name for field in fields(LctscScores) if field.name != "name")


def challenge_scores(comparison: Comparison) -> tuple[LctscScores, ...]:
    """Return the scores of the right and the left lung; none if both lungs were compared as one."""
    if len(comparison.regions) == 1:
        return ()
    prediction, reference = comparison.prediction.array, comparison.reference.array
    box = bounding_box(prediction | reference, margin=1)
    steps_mm = comparison.reference.geometry.affine_lps[:3, :3]
    found = []
    for lung, region in zip(LUNGS, comparison.regions, strict=False):
        distances = surface_distances(prediction[box] == lung.label, reference[box] == lung.label, steps_mm)
        found.append(lctsc_scores(lung, region.dsc, distances))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Group:
    """The mean and the worst scores of a group of cases.

    Attributes:
        name: The institution, or "all".
        cases: Number of cases.
        missing: Number of cases that could not be compared; their scores are 0, and they have no DSC or distance.
        mean: Mean of each of `SCORES` over the group's cases, by lung.
        worst: Lowest DSC and scores, largest distances, by lung.
    """

    name: str
    cases: int
    missing: int
    mean: Mapping[str, Mapping[str, float]]
    worst: Mapping[str, Mapping[str, float]]


def group_by_institution(found: Mapping[str, Sequence[LctscScores]]) -> list[Group]:
    """Average the cases of each institution, which is part of the challenge's case names, and all cases.

    Args:
        found: Scores by case; empty for a case that could not be compared.
    """
    groups: dict[str, list[str]] = {}
    for case in sorted(found):
        institution = institution_of(case)
        if institution:
            groups.setdefault(institution, []).append(case)
    groups["all"] = sorted(found)
    return [_group(name, [found[case] for case in cases]) for name, cases in groups.items()]


def _group(name: str, cases: Sequence[Sequence[LctscScores]]) -> Group:
    scored = [case for case in cases if case]
    mean: dict[str, dict[str, float]] = {}
    worst: dict[str, dict[str, float]] = {}
    for number, lung in enumerate(LUNGS):
        mean[lung.name], worst[lung.name] = {}, {}
        for score in SCORES:
            values = [getattr(case[number], score) for case in scored]
            if score.endswith("score"):
                values += [0.0] * (len(cases) - len(scored))
            known = [each for each in values if not np.isnan(each)]
            lowest = max if score.endswith("_mm") else min
            mean[lung.name][score] = float(np.mean(known)) if known else float("nan")
            worst[lung.name][score] = float(lowest(known)) if known else float("nan")
    return Group(name=name, cases=len(cases), missing=len(cases) - len(scored), mean=mean, worst=worst)


def write_lctsc_csv(path: Path, cases: Iterable[tuple[str, Sequence[LctscScores]]]) -> None:
    """Write a row for each lung of each case; undefined scores are empty cells.

    Raises:
        WriteError: The file cannot be written.
    """
    rows = []
    for name, scores in cases:
        for each in scores:
            values = [getattr(each, score) for score in SCORES]
            cells = ["" if np.isnan(value) else f"{value:.6g}" for value in values]
            rows.append([csv_text(name), institution_of(name), each.name, *cells])
    write_csv(path, ["case", "institution", "region", *SCORES], rows)
