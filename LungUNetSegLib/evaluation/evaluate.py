"""Compares many cases, paired by name, and returns the worst first; a case that fails does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from LungUNetSegLib.cases.compared import CasePair
from LungUNetSegLib.errors import one_line
from LungUNetSegLib.evaluation.compare import Comparison, RegionScores, compare
from LungUNetSegLib.evaluation.disagreements import Disagreements, find_disagreements
from LungUNetSegLib.evaluation.lctsc import challenge_scores
from LungUNetSegLib.evaluation.match import read_case
from LungUNetSegLib.evaluation.report.pictures import SlicePicture, picture_slices
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.metrics import LctscScores, Summary, summarise
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.segments import LabelKind
from LungUNetSegLib.volume import Volume

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EvaluatedCase:
    """The scores and pictures of one case, without its label maps and scan.

    Attributes:
        name: Its name, unique within an evaluation.
        regions: As in `Comparison`; empty if the case failed.
        findings: As in `Comparison`.
        slice_z_mm: Height z of each slice of `RegionScores.dsc_by_slice`.
        pictures: The slices that `report.examples.choose_slices` chooses.
        disagreements: Where the two differ, largest first; None if the case failed.
        error: Why the case could not be compared, in a sentence; None if it was compared.
        lctsc: The scores of LCTSC 2017 of the right and the left lung, if requested.
    """

    name: str
    regions: tuple[RegionScores, ...] = ()
    findings: tuple[Finding, ...] = ()
    slice_z_mm: tuple[float, ...] = ()
    pictures: tuple[SlicePicture, ...] = ()
    disagreements: Disagreements | None = None
    error: str | None = None
    lctsc: tuple[LctscScores, ...] = ()

    @property
    def lowest_dsc(self) -> float:
        """The lowest DSC of any region, by which cases are sorted; NaN if no region has a DSC."""
        return float(np.fmin.reduce([region.dsc for region in self.regions] + [np.nan]))


def describe_comparison(
    name: str, comparison: Comparison, image: Volume | None = None, examples: int = 3
) -> EvaluatedCase:
    """Return the part of a comparison that a report shows.

    Args:
        name: Name of the case.
        comparison: From `compare`.
        image: The CT in HU, for the pictures.
        examples: Number of slices of each role in the pictures.
    """
    slices = range(comparison.reference.geometry.shape[0])
    return EvaluatedCase(
        name=name,
        regions=comparison.regions,
        findings=comparison.findings,
        slice_z_mm=tuple(comparison.slice_centre_lps(index)[2] for index in slices),
        pictures=picture_slices(comparison, image, examples),
        disagreements=find_disagreements(comparison),
    )


def evaluate_pair(
    pair: CasePair, labels: LabelKind = "lr", examples: int = 3, *, with_lctsc: bool = False
) -> EvaluatedCase:
    """Read and compare one case; `with_lctsc` adds the scores of LCTSC 2017, which need right and left lung.

    Raises:
        LungUNetSegError: A file is missing, unreadable, or not comparable with the other.
    """
    case = read_case(pair)
    comparison = compare(case.prediction, case.reference, labels)
    comparison = replace(comparison, findings=case.findings + comparison.findings)
    described = describe_comparison(pair.name, comparison, case.image, examples)
    return replace(described, lctsc=challenge_scores(comparison)) if with_lctsc else described


def evaluate_pairs(
    pairs: Sequence[CasePair], labels: LabelKind = "lr", *, progress: Progress = silent, with_lctsc: bool = False
) -> list[EvaluatedCase]:
    """Compare all cases and return the worst first; a case that fails has an error instead of scores."""
    cases = []
    for index, pair in enumerate(pairs):
        progress("compare", index, len(pairs))
        try:
            cases.append(evaluate_pair(pair, labels, examples=1, with_lctsc=with_lctsc))
        except Exception as error:  # even too little memory for one case must not lose the scores of the others
            logger.debug("%s failed", pair.name, exc_info=True)
            cases.append(EvaluatedCase(name=pair.name, error=one_line(error)))
    progress("compare", len(pairs), len(pairs))
    # Failed cases come first, cases without a score last.
    return sorted(cases, key=lambda case: (not case.error, np.nan_to_num(case.lowest_dsc, nan=2.0), case.name))


def summarise_cases(cases: Iterable[EvaluatedCase], score: str) -> dict[str, Summary]:
    """Return the statistics of one score over the cases that did not fail, by region.

    Args:
        cases: From `evaluate_pairs`.
        score: Name of a `RegionScores` field, e.g. ``"hd95_mm"``.
    """
    return _summarise(cases, lambda region: (getattr(region, score),))


def summarise_slices(cases: Iterable[EvaluatedCase], score: Literal["dsc", "accuracy"]) -> dict[str, Summary]:
    """Return the statistics of one score over all slices of the cases that did not fail, by region.

    Slices without lung in both label maps have no DSC; they are counted in `Summary.undefined`.
    """
    return _summarise(cases, lambda region: getattr(region, f"{score}_by_slice"))


def _summarise(cases: Iterable[EvaluatedCase], scores: Callable[[RegionScores], Iterable[float]]) -> dict[str, Summary]:
    values: dict[str, list[float]] = {}
    for case in cases:
        for region in case.regions:
            values.setdefault(region.name, []).extend(scores(region))
    return {name: summarise(each) for name, each in values.items()}
