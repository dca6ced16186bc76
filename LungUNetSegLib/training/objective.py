"""Makes the loss function that a training's settings name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.losses import (
    bce_dice_loss,
    border_weights,
    class_map,
    count_classes,
    median_frequency_weights,
    weighted_cross_entropy,
)
from LungUNetSegLib.networks import NetworkConfig, structure_logits
from LungUNetSegLib.training.config import TrainingConfig

Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Maps the network's output, (N, C, H, W) targets of structures and (N, 1, H, W) valid to a scalar."""


def make_objective(config: TrainingConfig, cases: Sequence[CachedCase]) -> Objective:
    """Return the loss that `config.loss` names.

    Args:
        config: Settings of the training.
        cases: The training cases; their class frequencies are counted if the loss balances them.
    """
    network = config.network
    if config.loss == "border_cross_entropy":
        return _border_cross_entropy
    if config.loss == "balanced_cross_entropy":
        weights = class_balance(cases, network)
        return lambda logits, target, valid: weighted_cross_entropy(
            logits, class_map(target), weights.to(logits.device), valid
        )
    return lambda logits, target, valid: bce_dice_loss(
        structure_logits(logits, network), target, config.alpha, valid, config.dice_over
    )


def merged(target: Tensor, network: NetworkConfig) -> Tensor:
    """Return (N, 2, H, W) right and left lung as the network's structures: unchanged, or both as one."""
    return target.sum(dim=1, keepdim=True).clamp(max=1) if network.out_channels == 1 else target


def _border_cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    # The paper computes the weights once per image; here images are augmented anew each time, so the weights are too.
    classes = class_map(target)
    return weighted_cross_entropy(logits, classes, border_weights(classes, logits.shape[1], valid), valid)


def class_balance(cases: Sequence[CachedCase], network: NetworkConfig) -> Tensor:
    """Return (C,) weights of the classes by their frequencies in all slices before augmentation."""
    count = network.out_channels + 1
    pixels, of_slices = torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.int64)
    for case in cases:
        for number in range(len(case.target)):  # one at a time, as all together may not fit into memory
            planes = torch.from_numpy(case.target[number : number + 1].astype(np.float32) / 255)
            classes = class_map(merged(planes[:, :2], network))
            found = count_classes(classes, count, planes[:, 2:] >= 1)
            pixels, of_slices = pixels + found[0], of_slices + found[1]
    return median_frequency_weights(pixels, of_slices)
