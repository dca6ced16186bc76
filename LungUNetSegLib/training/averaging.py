"""Keeps a moving average of a network's weights, which is validated and used in their place."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average of a network's weights and statistics towards their values after a step, numbered from 0."""
    # The decay starts small and rises with the steps, so that early weights are soon forgotten.
    decay = min(decay, (1 + step) / (10 + step))
    for ours, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if ours.is_floating_point():
            ours.lerp_(theirs, 1 - decay)
        else:
            ours.copy_(theirs)
