"""Prepares what the slice network is trained on: coarse networks, views, and their coarse probabilities.

The coarse networks are saved beside the checkpoints, so that a resumed training does not train them again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from LungUNetSegLib.config import to_json
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.dataset import SeenViews, SliceDataset
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.models.checkpoint import write_tensors
from LungUNetSegLib.networks import Weights
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.coarse import CoarseConfig, build_coarse, parts_of, train_coarse
from LungUNetSegLib.training.coarse_views import Scans, predict_views
from LungUNetSegLib.training.config import TrainingConfig

logger = logging.getLogger(__name__)

COARSE_FILE = "coarse.pt"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The views from which slices are drawn.

    Attributes:
        training: Views of each training case.
        validation: View of each case to validate on: the whole unchanged scan.
        coarse: The coarse network's weights; None without one.
    """

    training: list[SeenViews]
    validation: list[SeenViews]
    coarse: Weights | None


def draw_views(cases: Sequence[CachedCase], config: TrainingConfig) -> list[SeenViews]:
    """Draw the views of all cases, without a coarse network."""
    scans = Scans.of(cases, config.preprocess, config.views, config.pathology)
    return predict_views(scans, [None] * len(cases), config.seed)


def prepare_views(
    training: Sequence[CachedCase],
    validation: Sequence[CachedCase],
    config: TrainingConfig,
    folder: Path,
    progress: Progress = silent,
    *,
    coarse: Weights | None = None,
) -> Prepared:
    """Train the coarse networks, or read earlier ones, and compute their probabilities for all views.

    Args:
        training: Cases to train on.
        validation: Cases to validate on.
        config: Settings of the training.
        folder: Where trained coarse networks are kept.
        progress: Called as ``("coarse", done, total)``.
        coarse: Weights of a coarse network to use as it is, instead of training one.

    Raises:
        DataError: No scan has a coarse view to train on.
        WriteError: The folder cannot be written.
    """
    validated = Scans.of(validation, config.preprocess, config.views, None)
    if config.coarse is None:
        whole = predict_views(validated, [None] * len(validation), config.seed, whole=True)
        return Prepared(draw_views(training, config), whole, None)
    scans = Scans.of(training, config.preprocess, config.views, config.pathology)
    if coarse is not None:
        parts, networks = [0] * len(training), [coarse]
    else:
        parts = parts_of(training, config.coarse.parts)
        networks = _coarse_networks(scans, parts, config, config.coarse, folder, progress)
    built = [build_coarse(config.coarse, weights) for weights in networks]
    seen = predict_views(scans, [built[part] for part in parts], config.seed)
    whole = predict_views(validated, [built[-1]] * len(validation), config.seed, whole=True)
    return Prepared(seen, whole, networks[-1])


def training_slices(training: Sequence[CachedCase], config: TrainingConfig, seen: Sequence[SeenViews]) -> SliceDataset:
    """Return the slices to train on, in these views of each case."""
    return SliceDataset(
        training,
        config.sampling,
        config.augment,
        config.seed,
        preprocess=config.preprocess,
        seen=seen,
        pathology=config.pathology,
    )


def datasets(
    training: Sequence[CachedCase], validation: Sequence[CachedCase], config: TrainingConfig, prepared: Prepared
) -> tuple[SliceDataset, SliceDataset | None]:
    """Return the slices to train on, and every slice of the cases to validate on, unchanged; None without any."""
    dataset = training_slices(training, config, prepared.training)
    if not validation:
        return dataset, None
    every = SamplingConfig(order="every")
    return dataset, SliceDataset(validation, every, preprocess=config.preprocess, seen=prepared.validation)


def _coarse_networks(
    scans: Scans,
    parts: Sequence[int],
    config: TrainingConfig,
    coarse: CoarseConfig,
    folder: Path,
    progress: Progress,
) -> list[Weights]:
    """Return a network for each part, not trained on that part, and last the final one, trained on all."""
    path, digest = folder / COARSE_FILE, _digest(scans, config)
    if path.exists():
        kept = torch.load(path, map_location="cpu", weights_only=True)
        if kept["digest"] == digest:
            return list(kept["networks"])
    with_view = [number for number in range(len(scans.cases)) if scans.has_coarse_view(number)]
    if not with_view:
        raise DataError("No scan has neighbouring slices for a coarse view; train with coarse=null and coarse_mm=0.")
    networks = []
    for part in range(coarse.parts if coarse.parts > 1 else 0):
        others = [number for number in with_view if parts[number] != part]
        networks.append(
            train_coarse(scans, others or with_view, coarse, coarse.part_steps, config.seed + 1 + part, progress)
        )
    networks.append(train_coarse(scans, with_view, coarse, coarse.steps, config.seed, progress))
    write_tensors({"digest": digest, "networks": networks}, path)
    return networks


def _digest(scans: Scans, config: TrainingConfig) -> str:
    """Return the hash of everything that determines the coarse networks."""
    names = ("preprocess", "views", "pathology", "coarse", "seed")
    settings = {name: to_json(config)[name] for name in names}
    text = json.dumps([settings, [case.digest for case in scans.cases]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
