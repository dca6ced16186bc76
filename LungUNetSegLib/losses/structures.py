"""Losses: binary cross-entropy and soft Dice, from logits, per channel (the paper's section 2.4.2)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

DiceOver = Literal["batch", "slice"]

SMOOTHING = 1.0
"""Epsilon of the soft Dice, in pixels: with it the loss of a correctly empty channel is 0."""


def binary_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the mean binary cross-entropy over all valid pixels (the paper's L_BCE), stable for large logits.

    Args:
        logits: (N, C, H, W), or (N, C, D, H, W) for volumes.
        target: Of the same shape, in [0, 1]; fractions for pixels that are partly lung.
        valid: (N, 1, H, W) or (N, C, H, W), 1 where the target is known, 0 for ignored pixels.

    Returns:
        Scalar float32.
    """
    loss = F.binary_cross_entropy_with_logits(logits.float(), target.float(), reduction="none")
    if valid is None:
        return loss.mean()
    weights = valid.expand_as(loss).float()
    return (loss * weights).sum() / weights.sum().clamp(min=1)


def soft_dice_loss(
    logits: Tensor,
    target: Tensor,
    valid: Tensor | None = None,
    dice_over: DiceOver = "batch",
    smoothing: float = SMOOTHING,
) -> Tensor:
    """Return one minus the soft Dice coefficient (the paper's L_Dice), averaged over the channels.

    Over the batch, like the paper's sum over all samples, a slice without lung is weighted by its false positive
    pixels, and the last crescent of a lung by its few pixels. Over each slice, all slices with lung have the same
    weight; slices without lung have none, as a single pixel there would cost as much as a whole lung.

    Args:
        logits: As in `binary_cross_entropy`.
        target: Of the same shape, in [0, 1].
        valid: As in `binary_cross_entropy`.
        dice_over: Whether each sum runs over the whole batch or over a slice.
        smoothing: The paper's epsilon, in pixels.

    Returns:
        Scalar float32 in [0, 1].
    """
    probabilities, target = torch.sigmoid(logits.float()), target.float()
    if valid is not None:
        probabilities, target = probabilities * valid, target * valid
    inner = tuple(range(2, logits.dim()))
    pixels = (0, *inner) if dice_over == "batch" else inner
    overlap = (probabilities * target).sum(pixels)
    total = probabilities.sum(pixels) + target.sum(pixels)
    loss = 1 - (2 * overlap + smoothing) / (total + smoothing)
    if dice_over == "batch":
        return loss.mean()
    has_lung = target.amax(pixels) >= 0.5  # less than a hundredth of a pixel does not count as lung
    # The mean runs over all slices, so that the mean of several processes' losses is the loss of all their slices.
    return (loss * has_lung).mean()


def bce_dice_loss(
    logits: Tensor, target: Tensor, alpha: float = 0.5, valid: Tensor | None = None, dice_over: DiceOver = "batch"
) -> Tensor:
    """Return ``alpha * L_BCE + (1 - alpha) * L_Dice``, the paper's L_custom; arguments as above."""
    dice = soft_dice_loss(logits, target, valid, dice_over)
    return alpha * binary_cross_entropy(logits, target, valid) + (1 - alpha) * dice
