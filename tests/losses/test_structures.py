"""Losses against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from LungUNetSegLib.losses import bce_dice_loss, binary_cross_entropy, soft_dice_loss


def logits_of(probabilities: list[float]) -> torch.Tensor:
    """Return logits (1, 1, 1, n) whose sigmoid is `probabilities`."""
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).float().view(1, 1, 1, -1)


def test_cross_entropy_of_four_pixels_by_hand() -> None:
    """-(ln .9 + ln .8 + ln .7 + ln .6) / 4 for targets 1, 0, 1, 0 at .9, .2, .7, .4."""
    target = torch.tensor([1.0, 0, 1, 0]).view(1, 1, 1, 4)
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.7) + math.log(0.6)) / 4
    assert binary_cross_entropy(logits_of([0.9, 0.2, 0.7, 0.4]), target).item() == pytest.approx(expected, rel=1e-5)


def test_soft_dice_of_four_pixels_by_hand() -> None:
    """Overlap .9 + .7 = 1.6, total 2 + 2.2 = 4.2, epsilon 1: 1 - 4.2 / 5.2."""
    target = torch.tensor([1.0, 0, 1, 0]).view(1, 1, 1, 4)
    loss = soft_dice_loss(logits_of([0.9, 0.2, 0.7, 0.4]), target, smoothing=1.0)
    assert loss.item() == pytest.approx(1 - 4.2 / 5.2, rel=1e-5)


def test_loss_is_the_weighted_sum_of_the_papers_equation() -> None:
    """Alpha weighs cross-entropy, 1 - alpha soft Dice."""
    logits, target = torch.randn(2, 2, 5, 7), (torch.rand(2, 2, 5, 7) > 0.5).float()
    for alpha in (0.0, 0.3, 1.0):
        expected = alpha * binary_cross_entropy(logits, target) + (1 - alpha) * soft_dice_loss(logits, target)
        assert bce_dice_loss(logits, target, alpha).item() == pytest.approx(expected.item(), rel=1e-6)


def test_channels_count_alike_however_small() -> None:
    """A lung of few pixels that is missed costs as much soft Dice as a large one."""
    target = torch.zeros(1, 2, 8, 8)
    target[0, 0, :, :] = 1
    target[0, 1, 0, 0] = 1
    sure = (target * 2 - 1) * 30
    missed_large, missed_small = sure.clone(), sure.clone()
    missed_large[0, 0], missed_small[0, 1] = -30, -30
    large, small = (soft_dice_loss(each, target, smoothing=1e-6).item() for each in (missed_large, missed_small))
    assert large == pytest.approx(0.5, abs=1e-4)
    assert small == pytest.approx(0.5, abs=1e-4)


def test_over_slices_a_crescent_counts_as_much_as_the_middle() -> None:
    """By hand, three slices of one channel: 64 pixels, 16 that are missed, and none, where 4 are found.

    Over the batch that costs 1 - (2 * 64 + 1) / (64 + 4 + 64 + 16 + 1); over slices (0 + 1 - 1 / 17 + 0) / 3.
    """
    target = torch.zeros(3, 1, 8, 8)
    target[0] = 1
    target[1, 0, :2] = 1
    logits = (target * 2 - 1) * 30
    logits[1] = -30
    logits[2, 0, 0, :4] = 30
    assert soft_dice_loss(logits, target).item() == pytest.approx(20 / 149, rel=1e-5)
    assert soft_dice_loss(logits, target, dice_over="slice").item() == pytest.approx(16 / 17 / 3, rel=1e-5)


def test_over_slices_the_parts_of_a_batch_average_to_the_whole() -> None:
    """What processes that share a batch rely on, however its slices with lung fall to them."""
    logits, target = torch.randn(4, 2, 8, 8), torch.zeros(4, 2, 8, 8)
    target[0, :, :4] = 1
    target[1, 0, :2] = 1
    whole, first, second = (soft_dice_loss(logits[part], target[part], dice_over="slice")
                            for part in (slice(None), slice(2), slice(2, 4)))  # fmt: skip
    assert whole.item() == pytest.approx((first.item() + second.item()) / 2, rel=1e-6)


def test_empty_target_rightly_found_empty_costs_nothing() -> None:
    """A batch without lung must not drive the loss (half of the paper's slices are such)."""
    for dice_over in ("batch", "slice"):
        loss = bce_dice_loss(torch.full((1, 1, 4, 4), -40.0), torch.zeros(1, 1, 4, 4), dice_over=dice_over)
        assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("value", [1e4, -1e4])
def test_extreme_logits_stay_finite_with_finite_gradients(value: float) -> None:
    """From probabilities, log(0) would give NaN here."""
    logits = torch.full((1, 1, 2, 2), value, requires_grad=True)
    loss = bce_dice_loss(logits, torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None and torch.isfinite(logits.grad).all()


def test_pixels_that_nobody_could_decide_change_neither_loss_nor_gradient() -> None:
    """`valid` 0 leaves a pixel out of both terms."""
    logits, target, valid = torch.randn(1, 2, 4, 4), torch.rand(1, 2, 4, 4), torch.ones(1, 1, 4, 4)
    valid[..., 1:3] = 0
    changed = torch.where(valid.bool(), target, 1 - target)
    logits.requires_grad_()
    loss = bce_dice_loss(logits, target, valid=valid)
    assert loss.item() == pytest.approx(bce_dice_loss(logits, changed, valid=valid).item())
    (gradient,) = torch.autograd.grad(loss, logits)
    assert (gradient[..., 1:3] == 0).all()


def test_bfloat16_logits_are_summed_in_float32() -> None:
    """Under autocast, sums over a batch of 65,536 pixels would stall at 256 in bfloat16."""
    logits, target = torch.randn(1, 1, 256, 256), (torch.rand(1, 1, 256, 256) > 0.5).float()
    rounded = logits.bfloat16()
    assert bce_dice_loss(rounded, target).item() == pytest.approx(bce_dice_loss(rounded.float(), target).item())
