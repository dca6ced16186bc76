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
from LungUNetSegLib.networks import VggSegNetConfig, load_encoder
from LungUNetSegLib.nodules.candidates import PIXELS, Candidate
from LungUNetSegLib.nodules.learning import LearningConfig, learn, pictures_of

COUNT = 1024
POOLED = 2**5
"""Factor by which the five poolings of VGG19 reduce the picture."""


@dataclass(frozen=True, kw_only=True)
class DeepConfig(LearningConfig):
    """The settings of the network for deep features, and of its training.

    Attributes:
        dense: Width of the two dense layers before the last; 4096 in VGG19.
    """

    dense: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, dense=1)


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
    """Train the network on candidates.

    Raises:
        DataError: There are fewer candidates than a batch has, or the loss is not finite.
    """
    torch.manual_seed(config.seed)
    network = VggFeatures(config)
    targets = torch.tensor([int(each.is_nodule) for each in candidates])
    learn(network, candidates, targets, lambda seen, wanted: F.cross_entropy(network(seen)[1], wanted), config)
    return network


@torch.inference_mode()
def deep_features(network: VggFeatures, candidates: Sequence[Candidate]) -> npt.NDArray[np.float64]:
    """Return the (N, 1024) deep features of candidates."""
    pictures = pictures_of(candidates)
    parts = [network(pictures[start : start + 64])[0] for start in range(0, len(pictures), 64)]
    features: npt.NDArray[np.float64] = torch.cat(parts).double().numpy()
    return features
