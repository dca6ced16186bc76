"""Losses: binary cross-entropy and soft Dice, from logits, per channel (the paper's section 2.4.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTHING = 1.0
"""Epsilon of the soft Dice, in pixels: it keeps the loss of an empty, rightly found channel at 0."""


def binary_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy over all valid pixels (the paper's L_BCE), safe for logits of any size.

    Args:
        logits: (N, C, H, W).
        target: (N, C, H, W) in [0, 1]; fractions are allowed where a pixel is partly lung.
        valid: (N, 1, H, W) or (N, C, H, W), 1 where the target is known, 0 where it is left out.

    Returns:
        Scalar float32.
    """
    loss = F.binary_cross_entropy_with_logits(logits.float(), target.float(), reduction="none")
    if valid is None:
        return loss.mean()
    weights = valid.expand_as(loss).float()
    return (loss * weights).sum() / weights.sum().clamp(min=1)


def soft_dice_loss(logits: Tensor, target: Tensor, valid: Tensor | None = None, smoothing: float = SMOOTHING) -> Tensor:
    """One minus the soft Dice coefficient (the paper's L_Dice), of each channel over the batch, then their mean.

    The sums run over the whole batch, as the paper's sum over all samples does: a slice without lung
    then weighs by the pixels wrongly found in it, and does not drive the loss by itself.

    Args:
        logits: (N, C, H, W).
        target: (N, C, H, W) in [0, 1].
        valid: As in `binary_cross_entropy`.
        smoothing: The paper's epsilon, in pixels.

    Returns:
        Scalar float32 in [0, 1].
    """
    probabilities, target = torch.sigmoid(logits.float()), target.float()
    if valid is not None:
        probabilities, target = probabilities * valid, target * valid
    pixels = (0, 2, 3)
    overlap = (probabilities * target).sum(pixels)
    total = probabilities.sum(pixels) + target.sum(pixels)
    return (1 - (2 * overlap + smoothing) / (total + smoothing)).mean()


def bce_dice_loss(logits: Tensor, target: Tensor, alpha: float = 0.5, valid: Tensor | None = None) -> Tensor:
    """``alpha * L_BCE + (1 - alpha) * L_Dice``, the paper's L_custom; arguments as above."""
    return alpha * binary_cross_entropy(logits, target, valid) + (1 - alpha) * soft_dice_loss(logits, target, valid)
