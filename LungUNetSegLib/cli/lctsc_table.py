"""Prints the scores of `lungunetseg evaluate --metrics lctsc`, by case and by institution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from LungUNetSegLib.cli.lines import print_lines
from LungUNetSegLib.evaluation.lctsc import SCORES, group_by_institution
from LungUNetSegLib.metrics import LctscScores
from LungUNetSegLib.segments import LUNGS

TITLES = ("DSC", "MSD, mm", "HD95, mm", "DSC score", "MSD score", "HD95 score", "mean score")
DECIMALS = {"dsc": 3, "mean_mm": 2, "hd95_mm": 2}


def print_lctsc(found: Mapping[str, Sequence[LctscScores]]) -> None:
    """Print the scores of each lung of each case and, of several cases, the mean and the worst of each group.

    Args:
        found: Scores by case; empty for a case that could not be compared.
    """
    print("\nBy the rules of LCTSC 2017: a score of 100 is perfect, 50 is the difference between two readers.")
    lines = [["", *TITLES]]
    for name, scores in found.items():
        lines += [[f"{name}: {each.name}", *_cells({key: getattr(each, key) for key in SCORES})] for each in scores]
    if len(found) > 1:
        for group in group_by_institution(found):
            told = f"{group.cases} cases" + (f", {group.missing} of them missing" if group.missing else "")
            for lung in LUNGS:
                lines.append([f"{group.name} ({told}), {lung.name.lower()}, mean", *_cells(group.mean[lung.name])])
                lines.append([f"{group.name} ({told}), {lung.name.lower()}, worst", *_cells(group.worst[lung.name])])
    print_lines(lines)


def _cells(values: Mapping[str, float]) -> list[str]:
    return ["n/a" if math.isnan(values[key]) else f"{values[key]:.{DECIMALS.get(key, 0)}f}" for key in SCORES]
