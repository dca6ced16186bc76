"""Computes the area under the ROC curve, with its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata

from LungUNetSegLib.errors import DataError

CONFIDENCE = 0.95
"""Share of such intervals that hold the true area."""


@dataclass(frozen=True, kw_only=True)
class Auc:
    """An area under the ROC curve.

    Attributes:
        value: Share of the pairs of a case with and a case without the outcome in which the first scores higher;
            equal scores count half.
        low: Lower end of the confidence interval.
        high: Upper end.
        positives: Cases with the outcome.
        negatives: Cases without.
    """

    value: float
    low: float
    high: float
    positives: int
    negatives: int


def auc(scores: Sequence[float], outcomes: Sequence[bool]) -> Auc:
    """Return the area under the ROC curve with DeLong's interval (DeLong 1988, doi:10.2307/2531595).

    Cases must be independent: one score for each patient. The variance is computed from ranks (Sun 2014,
    doi:10.1109/LSP.2014.2337313); the interval is clipped to 0 to 1. With few cases, or an area of exactly 1, the
    interval is too narrow to be reliable.

    Raises:
        DataError: Scores that are not numbers, or fewer than two cases of an outcome (undefined variance).
    """
    values, has = np.asarray(scores, float), np.asarray(outcomes, bool)
    if values.shape != has.shape or not np.isfinite(values).all():
        raise DataError("The area under the ROC curve needs one finite score for each outcome.")
    positive, negative = values[has], values[~has]
    if min(len(positive), len(negative)) < 2:
        raise DataError(
            f"The area under the ROC curve needs at least 2 cases with and 2 without the outcome; there are "
            f"{len(positive)} and {len(negative)}."
        )
    above = _shares(positive, negative)
    below = 1 - _shares(negative, positive)
    area = float(above.mean())
    variance = above.var(ddof=1) / len(positive) + below.var(ddof=1) / len(negative)
    reach = float(norm.ppf(0.5 + CONFIDENCE / 2) * np.sqrt(variance))
    return Auc(
        value=area,
        low=max(0.0, area - reach),
        high=min(1.0, area + reach),
        positives=len(positive),
        negatives=len(negative),
    )


def _shares(of: npt.NDArray[np.float64], among: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for each score of one group the share of the other group's scores below it; equal ones count half."""
    together = rankdata(np.concatenate((of, among)))[: len(of)]
    shares: npt.NDArray[np.float64] = (together - rankdata(of)) / len(among)
    return shares
