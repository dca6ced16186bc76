"""Predicts cached slices with a trained network on its own grid, for scores by slice as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.networks import NetworkConfig, build_network, structure_logits
from LungUNetSegLib.preprocessing import normalise, slices_seen
from LungUNetSegLib.preprocessing.coarse import as_channels
from LungUNetSegLib.progress import Progress
from LungUNetSegLib.training.checkpoint import Checkpoint
from LungUNetSegLib.training.coarse import build_coarse
from LungUNetSegLib.training.coarse_views import coarse_of_slices

BATCH_SIZE = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictedSlices:
    """Slices with their references and predictions: N entries each.

    Attributes:
        cases: Case ids.
        images: (h, w) int16 HU.
        references: (h, w) bool; either lung, if it fills at least half of a pixel.
        predictions: (h, w) bool; either lung.
        ignores: (h, w) bool; undecided pixels.
    """

    cases: list[str]
    images: list[npt.NDArray[np.int16]]
    references: list[npt.NDArray[np.bool_]]
    predictions: list[npt.NDArray[np.bool_]]
    ignores: list[npt.NDArray[np.bool_]]


def predict_slices(
    checkpoint: Checkpoint, cases: Sequence[CachedCase], progress: Progress | None = None
) -> PredictedSlices:
    """Run a checkpoint's network over every slice of some cases."""
    network = build_network(checkpoint.config.network)
    network.load_state_dict(checkpoint.weights)
    network.eval()
    coarse = None
    if checkpoint.config.coarse is not None:
        coarse = build_coarse(checkpoint.config.coarse, checkpoint.coarse or {})
    found = PredictedSlices(cases=[], images=[], references=[], predictions=[], ignores=[])
    total = sum(len(case.hu) for case in cases)
    preprocess = checkpoint.config.preprocess
    for case in cases:
        coarse_maps = None if coarse is None else coarse_of_slices(coarse, case, preprocess)
        seen = slices_seen(len(case.hu), case.slice_mm, preprocess)
        for start in range(0, len(case.hu), BATCH_SIZE):
            chosen = slice(start, start + BATCH_SIZE)
            target = case.target[chosen]
            found.cases.extend([case.case.case_id] * len(target))
            found.images.extend(case.hu[chosen])
            found.references.extend(np.any(target[:, :2] >= 128, axis=1))
            images = normalise(case.hu[seen[chosen]], preprocess)
            if coarse_maps is not None:
                images = np.concatenate((images, as_channels(coarse_maps[chosen])), axis=1)
            found.predictions.extend(_predict(network, images, checkpoint.config.network))
            found.ignores.extend(target[:, 2] == 0)
            if progress is not None:
                progress("predict", len(found.images), total)
    return found


@torch.inference_mode()
def _predict(network: nn.Module, images: npt.NDArray[np.float32], config: NetworkConfig) -> npt.NDArray[np.bool_]:
    """Map (B, k, h, w) images to (B, h, w) bool: True if any channel's probability is above one half."""
    logits = structure_logits(network(torch.from_numpy(images)), config)
    lungs: npt.NDArray[np.bool_] = (logits > 0).any(dim=1).numpy()
    return lungs
