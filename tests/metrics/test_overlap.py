"""Scores from counted voxels, on cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.metrics import count, summarise

# Four columns, one for each of: in both, prediction only, reference only, neither; 3, 2, 1 and 6 voxels.
PREDICTION = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
REFERENCE = np.array([[1, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)


def test_counts_and_scores_by_hand() -> None:
    counts = count(PREDICTION, REFERENCE)
    assert (counts.tp, counts.fp, counts.fn, counts.tn) == (3, 2, 1, 6)
    assert counts.dsc == pytest.approx(6 / 9)
    assert counts.jaccard == pytest.approx(3 / 6)
    assert counts.sensitivity == pytest.approx(3 / 4)
    assert counts.specificity == pytest.approx(6 / 8)
    assert counts.precision == pytest.approx(3 / 5)
    assert counts.accuracy == pytest.approx(9 / 12)


def test_torch_counts_as_numpy_does() -> None:
    """Training scores batches of tensors with the very same functions."""
    for axis in (None, 0, (0, 1)):
        here = count(PREDICTION, REFERENCE, axis=axis)
        there = count(torch.from_numpy(PREDICTION), torch.from_numpy(REFERENCE), axis=axis)
        for name in ("tp", "fp", "fn", "tn", "dsc", "accuracy"):
            np.testing.assert_allclose(getattr(here, name), np.asarray(getattr(there, name)), rtol=1e-6)


def test_scores_of_each_image_and_channel() -> None:
    batch = np.zeros((2, 2, 3, 4), bool)
    batch[0, 0], batch[1, 1] = PREDICTION, REFERENCE
    counts = count(batch, np.broadcast_to(REFERENCE, batch.shape), axis=(2, 3))
    np.testing.assert_allclose(counts.dsc, [[6 / 9, 0], [0, 1]])


def test_two_empty_masks_have_no_dsc() -> None:
    """The paper's zeros: an empty slice left empty is no failure, and no success to be averaged either."""
    empty = np.zeros((4, 4), bool)
    counts = count(empty, empty)
    assert all(math.isnan(score) for score in (counts.dsc, counts.jaccard, counts.sensitivity, counts.precision))
    assert counts.accuracy == 1 and counts.specificity == 1


def test_one_empty_mask_scores_zero() -> None:
    empty = np.zeros_like(REFERENCE)
    missed, invented = count(empty, REFERENCE), count(REFERENCE, empty)
    assert missed.dsc == invented.dsc == 0
    assert missed.sensitivity == 0 and math.isnan(missed.precision)
    assert invented.precision == 0 and math.isnan(invented.sensitivity)


@pytest.mark.parametrize("as_array", [np.asarray, torch.as_tensor])
def test_ignored_voxels_count_nowhere(as_array) -> None:
    ignore = np.zeros_like(REFERENCE)
    ignore[0, 3] = ignore[1, 1] = ignore[2, 0] = True  # one false positive, one false negative, one true negative
    counts = count(as_array(PREDICTION), as_array(REFERENCE), ignore=as_array(ignore))
    assert [int(each) for each in (counts.tp, counts.fp, counts.fn, counts.tn)] == [3, 1, 0, 5]
    rows = count(as_array(PREDICTION), as_array(REFERENCE), ignore=as_array(ignore), axis=1)
    assert rows.tn.tolist() == [0, 2, 3]


def test_dsc_by_slice_along_any_axis() -> None:
    prediction, reference = np.stack([PREDICTION, PREDICTION & False]), np.stack([REFERENCE, REFERENCE & False])
    np.testing.assert_allclose(count(prediction, reference, axis=(1, 2)).dsc, [6 / 9, np.nan])
    np.testing.assert_allclose(count(prediction, reference, axis=(0, 1)).dsc, [2 / 3, 2 / 3, 1, 0])


def test_counts_add_up_over_cases() -> None:
    whole = count(PREDICTION, REFERENCE)
    parts = count(PREDICTION[:2], REFERENCE[:2]) + count(PREDICTION[2:], REFERENCE[2:])
    assert (parts.tp, parts.fp, parts.fn, parts.tn) == (whole.tp, whole.fp, whole.fn, whole.tn)


def test_summary_keeps_undefined_and_infinite_apart() -> None:
    summary = summarise([0.5, math.nan, 1.0, math.inf, math.nan])
    assert (summary.finite, summary.undefined, summary.infinite) == (2, 2, 1)
    assert (summary.mean, summary.std, summary.minimum, summary.median, summary.maximum) == (0.75, 0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize("values", [[], [math.nan]])
def test_summary_of_nothing_has_no_mean(values) -> None:
    assert summarise(values).finite == 0 and math.isnan(summarise(values).mean)


def test_agrees_with_simpleitk() -> None:
    generator = np.random.default_rng(0)
    prediction, reference = generator.random((2, 5, 20, 30)) > 0.6
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (prediction, reference)))
    counts = count(prediction, reference)
    assert counts.dsc == pytest.approx(overlap.GetDiceCoefficient())
    assert counts.jaccard == pytest.approx(overlap.GetJaccardCoefficient())
    assert 1 - counts.sensitivity == pytest.approx(overlap.GetFalseNegativeError())
    assert 1 - counts.precision == pytest.approx(overlap.GetFalseDiscoveryRate())
    assert 1 - counts.specificity == pytest.approx(overlap.GetFalsePositiveError())


def test_labels_are_refused_as_masks() -> None:
    with pytest.raises(DataError, match=r"prediction must be a bool mask, got uint8"):
        count(PREDICTION.astype(np.uint8), REFERENCE)


def test_different_shapes_are_refused() -> None:
    with pytest.raises(DataError, match=r"the same shape, got \(2, 4\) and \(3, 4\)"):
        count(PREDICTION[:2], REFERENCE)
