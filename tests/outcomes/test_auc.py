"""The area under the ROC curve, counted by hand, and its interval against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.outcomes.auc import auc


def test_pairs_are_counted() -> None:
    """3 with and 2 without: of 6 pairs 4 are right and 1 is equal, so 4.5 of 6."""
    result = auc([0.9, 0.5, 0.3, 0.5, 0.1], [True, True, True, False, False])
    assert result.value == pytest.approx(4.5 / 6)
    assert (result.positives, result.negatives) == (3, 2)


def test_the_interval_is_delong_s() -> None:
    """From the variances of each case's share of right pairs: 1, .75, .5 of those with, 1 and 0.5 of those without."""
    result = auc([0.9, 0.5, 0.3, 0.5, 0.1], [True, True, True, False, False])
    variance = np.var([1, 0.75, 0.5], ddof=1) / 3 + np.var([0.5, 1.0], ddof=1) / 2
    assert result.high == 1.0  # 0.75 + 1.96 * 0.289 would be more
    assert result.low == pytest.approx(0.75 - 1.959964 * np.sqrt(variance), abs=1e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Two normal distributions one deviation apart have an area of 0.7602: 95 % of 400 intervals must hold it."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        scores = np.concatenate((rng.normal(1, 1, 40), rng.normal(0, 1, 60)))
        result = auc(scores.tolist(), [True] * 40 + [False] * 60)
        held += result.low <= 0.7602 <= result.high
    assert 0.91 <= held / 400 <= 0.98


def test_what_cannot_be_judged_is_refused() -> None:
    """One case of an outcome has no variance; a missing score is no score."""
    with pytest.raises(DataError, match="1 and 2"):
        auc([1.0, 0.0, 0.5], [True, False, False])
    with pytest.raises(DataError, match="finite"):
        auc([float("nan"), 0.0, 0.5, 0.1], [True, False, False, True])
