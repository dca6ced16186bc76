"""Cross-entropy over classes and its weights, counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from LungUNetSegLib.losses import (
    border_weights,
    class_map,
    count_classes,
    median_frequency_weights,
    weighted_cross_entropy,
)


def test_cross_entropy_of_two_pixels_by_hand() -> None:
    """Logits 0, 0 cost ln 2; logits 0, ln 3 of the right class cost ln 4/3. Weights 1 and 3, over two pixels."""
    logits = torch.tensor([[[[0.0, 0.0]], [[0.0, math.log(3)]]]])
    classes = torch.tensor([[[0, 1]]])
    expected = (1 * math.log(2) + 3 * math.log(4 / 3)) / 2
    assert float(weighted_cross_entropy(logits, classes, torch.tensor([[[1.0, 3.0]]]))) == pytest.approx(expected)
    assert float(weighted_cross_entropy(logits, classes, torch.tensor([1.0, 3.0]))) == pytest.approx(expected)


def test_pixels_that_nobody_could_decide_cost_nothing() -> None:
    """Neither in the sum nor in what it is divided by; and nothing at all where none is known."""
    logits = torch.tensor([[[[0.0, 9.0]], [[0.0, -9.0]]]])
    classes, weights = torch.tensor([[[0, 1]]]), torch.ones(1, 1, 2)
    known = torch.tensor([[[[1.0, 0.0]]]])
    assert float(weighted_cross_entropy(logits, classes, weights, known)) == pytest.approx(math.log(2))
    assert float(weighted_cross_entropy(logits, classes, weights, 0 * known)) == 0.0


def test_large_logits_cost_a_finite_amount() -> None:
    """A confident error must cost its logit, and not infinity."""
    logits = torch.tensor([[[[1000.0]], [[-1000.0]]]], dtype=torch.bfloat16)
    assert float(weighted_cross_entropy(logits, torch.tensor([[[1]]]), torch.ones(2))) == pytest.approx(2000)


def test_a_pixel_is_of_what_fills_most_of_it() -> None:
    """Right 0.6, left 0.5, left 0.7 over right 0.3, and 0.4 of each, which is background."""
    target = torch.tensor([[[[0.6, 0.0, 0.3, 0.4]], [[0.2, 0.5, 0.7, 0.4]]]])
    assert class_map(target).tolist() == [[[1, 2, 2, 0]]]


@pytest.mark.parametrize(("gap", "expected"), [(1, 9.23), (4, 6.07), (9, 1.35), (14, 0.11)])
def test_between_the_lungs_the_weight_rises(gap: int, expected: float) -> None:
    """Two lungs with `gap` pixels between them: d1 + d2 = gap + 1 is 2, 5, 10, 15, and w0 exp(..) as on paper."""
    classes = torch.zeros(1, 9, 60, dtype=torch.int64)
    classes[..., :20], classes[..., 20 + gap : 40 + gap] = 1, 2
    weights = border_weights(classes, 3)[0]
    balance = classes.numel() / (3 * int((classes == 0).sum()))
    assert float(weights[4, 20]) - balance == pytest.approx(expected, abs=0.01)
    assert float(weights[4, 10]) == pytest.approx(classes.numel() / (3 * 180))  # a lung's pixels have no such term


def test_one_lung_in_two_parts_is_one_cell() -> None:
    """The fissure of a lung is no border between cells; the middle between two lungs is."""
    classes = torch.zeros(2, 5, 30, dtype=torch.int64)
    classes[:, :, :10], classes[:, :, 12:20] = 1, 1
    classes[1, :, 22:] = 2
    one, two = border_weights(classes, 3)
    assert one[0, 10] == pytest.approx(classes[0].numel() / (3 * int((classes[0] == 0).sum())))
    assert two[0, 20] > two[0, 10] > 0


def test_classes_weigh_alike_in_each_slice() -> None:
    """10 pixels of one lung and 90 of the rest: 100 / 20 and 100 / 180, so that each class weighs 50 in all."""
    classes = torch.zeros(1, 10, 10, dtype=torch.int64)
    classes[0, 0] = 1
    weights = border_weights(classes, 2)[0]
    assert float(weights[0].sum()) == pytest.approx(50) and float(weights[1:].sum()) == pytest.approx(50)
    known = torch.ones(1, 1, 10, 10)
    known[..., 5:] = 0  # half is unknown: 5 pixels of 50
    weights = border_weights(classes, 2, known)[0]
    assert float(weights[0, 0]) == pytest.approx(50 / 10) and float(weights[1, 0]) == pytest.approx(50 / 90)


def test_median_frequency_by_hand() -> None:
    """Background 60 of 100 pixels in all slices, right 20 of 50 in one slice, left 20 of 100 in both."""
    weights = median_frequency_weights(torch.tensor([60, 20, 20]), torch.tensor([100, 50, 100]))
    assert weights.tolist() == pytest.approx([0.4 / 0.6, 1.0, 0.4 / 0.2])


def test_an_absent_class_weighs_nothing_and_is_no_median() -> None:
    """A training without left lungs must not divide by 0."""
    weights = median_frequency_weights(torch.tensor([80, 20, 0]), torch.tensor([100, 100, 0]))
    assert weights.tolist() == pytest.approx([0.5 / 0.8, 0.5 / 0.2, 0.0])
    assert median_frequency_weights(torch.zeros(3), torch.zeros(3)).tolist() == [0, 0, 0]


def test_classes_are_counted_in_the_slices_that_have_them() -> None:
    """Two slices of 4 pixels, one of them unknown in the second; class 2 occurs in the second alone."""
    classes = torch.tensor([[[0, 0], [1, 1]], [[0, 2], [2, 1]]])
    valid = torch.ones(2, 1, 2, 2)
    valid[1, 0, 1, 1] = 0
    pixels, of_slices = count_classes(classes, 3, valid)
    assert pixels.tolist() == [3, 2, 2]
    assert of_slices.tolist() == [7, 4, 3]
