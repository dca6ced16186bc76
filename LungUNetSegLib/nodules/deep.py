"""Deep features of a candidate: 1024 numbers of a VGG19 that was trained to tell nodules from the rest.

Of Khan 2021 it is remembered that the last dense layers of VGG19 shrink to 1024 after 50 % dropout. Reconstructed:
convolutions, two dense layers, then one of 1024, whose values after ReLU are taken. Here the convolutions are
normalised as in the VGG-SegNet, and narrow enough to train on two cores unless `DeepConfig` says otherwise; the paper's
begin with weights learnt from ImageNet, which `encoder_weights` takes at full width.
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
"""VGG19 pools five times."""


@dataclass(frozen=True, kw_only=True)
class DeepConfig:
    """How the network of the deep features is made and trained.

    Attributes:
        first_features: Channels of the first convolutions; 64 in VGG19.
        dense: Width of the two dense layers before the last; 4096 in VGG19.
        encoder_weights: Path of VGG19's weights in torchvision's layout; "" for random ones.
        epochs: How often all candidates of the training folds are seen.
        batch_size: Candidates in a step.
        learning_rate: Adam's.
        seed: Of the first weights, the order, flips and dropout.
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
    """VGG19's convolutions, then dense layers to 1024 features and two classes.

    Args:
        config: Its widths and first weights.
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
    """Train the network on candidates, flipped and turned at random.

    Raises:
        DataError: Fewer candidates than a batch, or a loss that is no number.
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
    """Return (N, 1024) features."""
    pictures = _pictures(candidates)
    parts = [network(pictures[start : start + 64])[0] for start in range(0, len(pictures), 64)]
    features: npt.NDArray[np.float64] = torch.cat(parts).double().numpy()
    return features


def _pictures(candidates: Sequence[Candidate]) -> Tensor:
    stacked = np.stack([grey(each.hu) for each in candidates]).astype(np.float32)
    return torch.from_numpy(stacked / np.float32(127.5) - 1)[:, None]
