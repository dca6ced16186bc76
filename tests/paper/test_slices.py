"""Slices scored one by one, with the paper's black masks told apart from its failures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.paper.slices import SliceScores, evaluate_slices

EMPTY, HALF, FULL = np.zeros((2, 4), bool), np.array([[1, 1, 0, 0]] * 2, bool), np.ones((2, 4), bool)


def five_slices() -> SliceScores:
    """Perfect, half wrong, empty left empty, false alarm, miss."""
    references, predictions = [HALF, HALF, EMPTY, EMPTY, HALF], [HALF, FULL, EMPTY, HALF, EMPTY]
    return evaluate_slices([EMPTY * 1.0] * 5, references, predictions, cases=["a", "a", "a", "b", "b"])


def test_scores_of_each_slice_by_hand() -> None:
    scores = five_slices()
    np.testing.assert_allclose(scores.dsc, [1, 8 / 12, np.nan, 0, 0])
    np.testing.assert_allclose(scores.accuracy, [1, 0.5, 1, 0.5, 0.5])


def test_black_masks_are_counted_apart_from_failures() -> None:
    """The paper's half of zero DSCs: three different things under one number."""
    scores = five_slices()
    dsc = scores.summaries["dsc"]
    assert (dsc.finite, dsc.undefined, scores.false_alarms, scores.misses) == (4, 1, 1, 1)
    assert dsc.mean == pytest.approx((1 + 8 / 12) / 4)


def test_cases_are_scored_from_their_voxels() -> None:
    """Not from the mean of their slices, which would weigh a sliver of the apex like the middle of the lung."""
    by_case = five_slices().by_case()
    assert list(by_case) == ["a", "b"]
    assert by_case["a"].dsc == pytest.approx(2 * 8 / (8 + 12)) and by_case["b"].dsc == 0


def test_worst_slices_come_first_and_empty_ones_not_at_all() -> None:
    assert five_slices().from_worst() == [3, 4, 1, 0]


def test_tensors_and_channels_are_taken_as_they_come() -> None:
    masks = [torch.from_numpy(HALF)[None]] * 2
    assert evaluate_slices([torch.zeros(1, 2, 4)] * 2, masks, masks).dsc.tolist() == [1, 1]


def test_ignored_pixels_count_nowhere() -> None:
    scores = evaluate_slices([EMPTY * 1.0], [HALF], [FULL], ignores=[~HALF])
    assert scores.dsc.tolist() == [1]


@pytest.mark.parametrize(("images", "masks"), [([], []), ([EMPTY], [HALF, HALF])])
def test_lists_that_do_not_belong_together_are_refused(images: list[np.ndarray], masks: list[np.ndarray]) -> None:
    with pytest.raises(DataError, match="one entry for each"):
        evaluate_slices(images, masks, masks)
