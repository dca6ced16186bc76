"""Trains a network on the pictures of candidates, with random flips and rotations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.candidates import Candidate, grey


@dataclass(frozen=True, kw_only=True)
class LearningConfig:
    """The settings of a network with VGG19's convolutions, and of its training on candidates.

    Attributes:
        first_features: Channels of the first convolutions; 64 in VGG19.
        encoder_weights: Path of initial VGG19 weights in torchvision's layout; "" for random ones.
        epochs: Number of passes over the training candidates.
        batch_size: Number of candidates in a step.
        learning_rate: Adam's learning rate.
        seed: Seed of the initial weights, the order, the flips and the dropout.
    """

    first_features: int = 8
    encoder_weights: str = ""
    epochs: int = 8
    batch_size: int = 16
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least(self, first_features=1, epochs=1, batch_size=2, seed=0)


def learn(
    network: nn.Module,
    candidates: Sequence[Candidate],
    targets: Tensor,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    config: LearningConfig,
) -> None:
    """Train a network, which is in evaluation mode afterwards.

    Args:
        network: With its initial weights; maps (N, 1, 64, 64) pictures.
        candidates: To train on.
        targets: (N,) or (N, 64, 64) of the candidates; the latter are turned with the pictures.
        loss_of: Maps the pictures and targets of a step to its loss.
        config: Settings of the training.

    Raises:
        DataError: There are fewer candidates than a batch has, or the loss is not finite.
    """
    if len(candidates) < config.batch_size:
        raise DataError(f"A batch of {config.batch_size} is larger than the {len(candidates)} candidates.")
    rng = np.random.default_rng(config.seed)
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    pictures = pictures_of(candidates)
    for _ in range(config.epochs):
        order = rng.permutation(len(candidates))
        for start in range(0, len(order) - config.batch_size + 1, config.batch_size):
            chosen = torch.from_numpy(order[start : start + config.batch_size])
            quarters, flipped = int(rng.integers(4)), rng.random() < 0.5
            seen, wanted = _turned(pictures[chosen], quarters, flipped), targets[chosen]
            if wanted.dim() > 1:
                wanted = _turned(wanted, quarters, flipped)
            loss = loss_of(seen, wanted)
            if not torch.isfinite(loss):
                raise DataError(f"The loss became {loss.item()}; lower learning_rate.")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    network.eval()


def pictures_of(candidates: Sequence[Candidate]) -> Tensor:
    """Return (N, 1, 64, 64) grey values, -1 for -1000 HU and 1 for 400 HU."""
    stacked = np.stack([grey(each.hu) for each in candidates]).astype(np.float32)
    return torch.from_numpy(stacked / np.float32(127.5) - 1)[:, None]


def _turned(images: Tensor, quarters: int, flipped: bool) -> Tensor:
    turned = torch.rot90(images, quarters, (-2, -1))
    return turned.flip(-1) if flipped else turned
