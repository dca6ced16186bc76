"""Reads the weights that a training begins with: of another training, or of a model, whose normalisation is folded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from LungUNetSegLib.config import to_json
from LungUNetSegLib.models.model import CHECKPOINT_SUFFIXES, Model, load_model
from LungUNetSegLib.models.safetensors import read_weights
from LungUNetSegLib.networks import Weights
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.training.checkpoint import load_checkpoint

UNFOLDING_BATCHES = 30
"""An unfolded normalisation begins with the statistics of this many batches, or of an epoch if it has fewer."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Start:
    """A network that a training begins with.

    Attributes:
        preprocess: Its grid and intensities.
        network: The architecture's name and settings, as JSON.
        weights: Its parameters and buffers.
        coarse_network: The coarse network's settings, as JSON; None without one.
        coarse_weights: Its parameters and buffers.
        learnt: Ids of the cases that it was trained on, as far as that is known.
    """

    preprocess: PreprocessConfig
    network: dict[str, Any]
    weights: Weights
    coarse_network: dict[str, Any] | None
    coarse_weights: Weights | None
    learnt: frozenset[str]


def read_start(name_or_path: str) -> Start:
    """Read a network with its weights.

    Args:
        name_or_path: A model's name, its folder or ``manifest.json``, or a training's checkpoint.

    Raises:
        ModelError: There is none, or it cannot be used.
    """
    path = Path(name_or_path)
    if path.suffix in CHECKPOINT_SUFFIXES:
        checkpoint = load_checkpoint(path)
        coarse = checkpoint.config.coarse
        return Start(
            preprocess=checkpoint.config.preprocess,
            network=to_json(checkpoint.config.network),
            weights=checkpoint.weights,
            coarse_network=to_json(coarse.network) if coarse else None,
            coarse_weights=checkpoint.coarse,
            learnt=frozenset(checkpoint.split.training),
        )
    return start_of(load_model(name_or_path))


def start_of(model: Model) -> Start:
    """Return an exported model's networks with their weights.

    Raises:
        ModelError: Its weights cannot be read.
    """
    training = model.manifest.training if model.manifest else None
    return Start(
        preprocess=model.preprocess,
        network=model.network,
        weights=_tensors(model),
        coarse_network=model.coarse.network if model.coarse else None,
        coarse_weights=_tensors(model.coarse) if model.coarse else None,
        learnt=frozenset(name for each in (training.cases if training else ()) for name in each.cases),
    )


def _tensors(model: Model) -> Weights:
    return {name: torch.from_numpy(values.copy()) for name, values in read_weights(model.weights).items()}
