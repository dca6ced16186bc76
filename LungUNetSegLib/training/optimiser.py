"""Makes the optimiser, its regularisation and its learning rate schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from LungUNetSegLib.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, epoch: float) -> float:
    """Return the learning rate after `epoch` epochs, which may be fractional."""
    warmup = min(1.0, (epoch + 1e-3) / config.warmup_epochs) if config.warmup_epochs else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * epoch / config.epochs)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * warmup * cosine


def convolution_weights(network: nn.Module) -> list[nn.Parameter]:
    """Return the weights that are regularised: neither biases nor normalisations."""
    return [parameter for parameter in network.parameters() if parameter.dim() > 1]


def make_optimiser(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimiser that the settings name, with weight decay on convolution weights only."""
    decayed = convolution_weights(network)
    chosen = {id(parameter) for parameter in decayed}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in chosen]
    groups = [{"params": decayed, "weight_decay": config.l2}, {"params": rest, "weight_decay": 0.0}]
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    optimiser = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
    return optimiser(groups, lr=config.learning_rate)


@torch.no_grad()
def pull(network: nn.Module, start: Sequence[Tensor], share: float) -> None:
    """Move every parameter towards its initial value, by a share of the difference."""
    for parameter, initial in zip(network.parameters(), start, strict=True):
        parameter.lerp_(initial, min(1.0, share))
