"""The scores of LCTSC 2017 against numbers computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from LungUNetSegLib.metrics import lctsc_scores
from LungUNetSegLib.metrics.lctsc import against_readers
from LungUNetSegLib.metrics.surface import SurfaceDistances, surface_distances
from LungUNetSegLib.segments import LUNGS

RIGHT, LEFT = LUNGS


def distances(prediction_mm: list[float], reference_mm: list[float]) -> SurfaceDistances:
    """Areas are of no account here, so they differ."""
    here, there = np.array(prediction_mm, float), np.array(reference_mm, float)
    return SurfaceDistances(here, np.arange(1.0, here.size + 1), there, np.arange(1.0, there.size + 1))


def test_both_directions_are_averaged() -> None:
    """Protects the rule by which it differs from ours: (4/3 + 2) / 2, and (3.6 + 2) / 2 of the percentiles."""
    scores = lctsc_scores(LEFT, 0.97, distances([0, 0, 4], [2, 2]))
    assert scores.mean_mm == pytest.approx(5 / 3)
    assert scores.hd95_mm == pytest.approx(2.8)


def test_readers_score_50_and_perfection_100() -> None:
    """The sheet's example: a left lung with DSC 0.97 scores 66, one with a mean distance of 0.74 mm 75."""
    assert round(against_readers(0.97, 0.956, perfect=1.0)) == 66
    assert math.floor(against_readers(0.74, 1.51)) == 75
    assert against_readers(1.51, 1.51) == 50 and against_readers(0, 1.51) == 100 and against_readers(9, 1.51) == 0
    perfect = lctsc_scores(RIGHT, 1.0, distances([0], [0]))
    assert perfect.score == 100


def test_an_empty_mask_scores_0_and_two_score_nothing() -> None:
    empty = lctsc_scores(RIGHT, 0.0, distances([], [math.inf]))
    assert (empty.mean_mm, empty.hd95_mm, empty.score) == (math.inf, math.inf, 0)
    neither = lctsc_scores(RIGHT, math.nan, distances([], []))
    assert math.isnan(neither.mean_mm) and math.isnan(neither.score)


def test_it_differs_from_ours_where_one_surface_is_far_on_one_side_only() -> None:
    """A thin tongue: its far voxels are in one direction only, so the mean of both is half of the larger."""
    reference = np.zeros((1, 20, 40), bool)
    reference[0, 5:15, 5:15] = True
    prediction = reference.copy()
    prediction[0, 10, 15:35] = True
    found = surface_distances(prediction, reference, (1, 1, 1))
    scores = lctsc_scores(LEFT, 0.9, found)
    other = float(np.percentile(found.reference_mm, 95))
    assert scores.hd95_mm == pytest.approx((float(np.percentile(found.prediction_mm, 95)) + other) / 2)
    assert scores.hd95_mm < 0.6 * found.hd95_mm
