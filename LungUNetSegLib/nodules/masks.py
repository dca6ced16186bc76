"""Cuts nodules out of candidates' pictures with the VGG-SegNet of Khan 2021, and scores the masks by DSC and Jaccard.

Verified from the abstract: a VGG-SegNet cuts the nodule out of slices. From memory: those two scores. There it sees
slices of 224 x 224 pixels and starts with ImageNet weights; here it sees the pictures of the candidates, two thirds of
which show vessels, from which nothing is to be cut out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from LungUNetSegLib.losses import count_classes, median_frequency_weights, weighted_cross_entropy
from LungUNetSegLib.metrics.overlap import count
from LungUNetSegLib.networks import VggSegNetConfig, load_encoder
from LungUNetSegLib.nodules.candidates import PIXELS, Candidate
from LungUNetSegLib.nodules.learning import LearningConfig, learn, pictures_of

Masks = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class MaskScores:
    """The scores of the predicted masks of one kind of candidates.

    Attributes:
        kind: Of the candidates.
        candidates: Their number.
        found: Share of the pictures in which anything is taken for a nodule.
        dsc: Mean DSC of the pictures; NaN for candidates that are no nodules.
        jaccard: Mean Jaccard index, likewise.
    """

    kind: str
    candidates: int
    found: float
    dsc: float
    jaccard: float


def train_segnet(candidates: Sequence[Candidate], config: LearningConfig) -> nn.Module:
    """Train a VGG-SegNet to cut out nodules, with SegNet's loss.

    Raises:
        DataError: There are fewer candidates than a batch has, or the loss is not finite.
    """
    torch.manual_seed(config.seed)
    settings = VggSegNetConfig(first_features=config.first_features, encoder_weights=config.encoder_weights)
    network = settings.build()
    load_encoder(network, settings)
    targets = torch.from_numpy(nodule_masks(candidates)).long()
    everywhere = torch.ones(len(candidates), 1, PIXELS, PIXELS)
    weights = median_frequency_weights(*count_classes(targets, 2, everywhere))

    def loss_of(seen: Tensor, wanted: Tensor) -> Tensor:
        return weighted_cross_entropy(network(seen), wanted, weights)

    learn(network, candidates, targets, loss_of, config)
    return network


def nodule_masks(candidates: Sequence[Candidate]) -> Masks:
    """Return the (N, 64, 64) masks to predict: a nodule's own, and an empty one for anything else."""
    return np.stack([each.mask & each.is_nodule for each in candidates])


@torch.inference_mode()
def predicted_masks(network: nn.Module, candidates: Sequence[Candidate]) -> Masks:
    """Return the (N, 64, 64) pixels that a network takes for a nodule's."""
    pictures = pictures_of(candidates)
    parts = [network(pictures[start : start + 64]).argmax(dim=1) for start in range(0, len(pictures), 64)]
    return torch.cat(parts).numpy() > 0


def score_masks(predicted: Masks, candidates: Sequence[Candidate]) -> list[MaskScores]:
    """Return the scores of the predicted masks, for each kind of candidates."""
    wanted, kinds = nodule_masks(candidates), np.array([each.kind for each in candidates])
    result = []
    for kind in sorted(set(kinds.tolist())):
        own = kinds == kind
        counts = count(predicted[own], wanted[own], axis=(1, 2))
        of_nodules = bool(wanted[own].any())
        result.append(
            MaskScores(
                kind=kind,
                candidates=int(own.sum()),
                found=float(predicted[own].any(axis=(1, 2)).mean()),
                dsc=float(np.mean(counts.dsc)) if of_nodules else float("nan"),
                jaccard=float(np.mean(counts.jaccard)) if of_nodules else float("nan"),
            )
        )
    return result
