"""Computes deep features of a candidate: 1024 values of a VGG19 that was trained to distinguish nodules.

From memory of Khan 2021: the last dense layers of VGG19 shrink to 1024 after 50 % dropout. Reconstructed: convolutions,
two dense layers, then one of 1024, whose values after ReLU are the features. Here the convolutions are normalised as in
the VGG-SegNet, and by default narrow enough to be trained on two cores. The paper starts with ImageNet weights, which
`encoder_weights` loads at full width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.networks import VggSegNetConfig, load_encoder
from LungUNetSegLib.nodules.candidates import PIXELS, Candidate, grey

COUNT = 1024
POOLED = 2**5
"""Factor by which the five poolings of VGG19 reduce the picture."""


@dataclass(frozen=True, kw_only=True)
class DeepConfig:
    """The settings of the network for deep features, and of its training.

    Attributes:
        first_features: Channels of the first convolutions; 64 in VGG19.
        dense: Width of the two dense layers before the last; 4096 in VGG19.
        encoder_weights: Path of initial VGG19 weights in torchvision's layout; "" for random ones.
        epochs: Number of passes over the training candidates.
        batch_size: Number of candidates in a step.
        learning_rate: Adam's learning rate.
        seed: Seed of the initial weights, the order, the flips and the dropout.
    """

    first_features: int = 8
    dense: int = 512
    encoder_weights: str = ""
    epochs: int = 8
    batch_size: int = 16
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least(self, first_features=1, dense=1, epochs=1, batch_size=2, seed=0)


class VggFeatures(nn.Module):
    """The convolutions of VGG19, then dense layers to 1024 features and two classes.

    Args:
        config: Its widths and initial weights.
    """

    def __init__(self, config: DeepConfig) -> None:
        super().__init__()
        own = VggSegNetConfig(first_features=config.first_features, encoder_weights=config.encoder_weights)
        whole = own.build()
        load_encoder(whole, own)
        self.encoder = whole.encoder
        width = 8 * config.first_features * (PIXELS // POOLED) ** 2
        self.dense = nn.Sequential(
            *(nn.Flatten(), nn.Linear(width, config.dense), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(config.dense, config.dense), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(config.dense, COUNT), nn.ReLU()),
        )
        self.head = nn.Linear(COUNT, 2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 1, 64, 64) to (N, 1024) features and (N, 2) logits of "no nodule" and "nodule"."""
        values = pictures.expand(-1, 3, -1, -1)
        for block in self.encoder:
            values = F.max_pool2d(block(values), 2)
        features = self.dense(values)
        return features, self.head(features)


def train_features(candidates: Sequence[Candidate], config: DeepConfig) -> VggFeatures:
    """Train the network on candidates, with random flips and rotations.

    Raises:
        DataError: There are fewer candidates than a batch has, or the loss is not finite.
    """
    if len(candidates) < config.batch_size:
        raise DataError(f"A batch of {config.batch_size} is larger than the {len(candidates)} candidates.")
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    network = VggFeatures(config).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    pictures = _pictures(candidates)
    targets = torch.tensor([int(each.is_nodule) for each in candidates])
    for _ in range(config.epochs):
        order = rng.permutation(len(candidates))
        for start in range(0, len(order) - config.batch_size + 1, config.batch_size):
            chosen = torch.from_numpy(order[start : start + config.batch_size])
            turned = torch.rot90(pictures[chosen], int(rng.integers(4)), (2, 3))
            seen = turned.flip(3) if rng.random() < 0.5 else turned
            loss = F.cross_entropy(network(seen)[1], targets[chosen])
            if not torch.isfinite(loss):
                raise DataError(f"The loss became {loss.item()}; lower learning_rate.")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return network.eval()


@torch.inference_mode()
def deep_features(network: VggFeatures, candidates: Sequence[Candidate]) -> npt.NDArray[np.float64]:
    """Return the (N, 1024) deep features of candidates."""
    pictures = _pictures(candidates)
    parts = [network(pictures[start : start + 64])[0] for start in range(0, len(pictures), 64)]
    features: npt.NDArray[np.float64] = torch.cat(parts).double().numpy()
    return features


def _pictures(candidates: Sequence[Candidate]) -> Tensor:
    stacked = np.stack([grey(each.hu) for each in candidates]).astype(np.float32)
    return torch.from_numpy(stacked / np.float32(127.5) - 1)[:, None]
