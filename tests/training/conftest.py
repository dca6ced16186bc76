"""Phantoms on a coarse grid and settings under which a training takes a second."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from phantom_cases import COARSE, TINY_TRAINING, write_pair, write_three_patients

from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.data.cache import CachedCase, cache_case
from LungUNetSegLib.data.dataset import SliceDataset
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.networks import UNetConfig
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.preparation import draw_views
from LungUNetSegLib.training.trainer import Trainer

TINY = TrainingConfig(
    preprocess=dataclasses.replace(COARSE, context_mm=20.0),
    network=UNetConfig(in_channels=3, out_channels=2, features_per_stage=(4, 8), dropout=0.1),
    sampling=SamplingConfig(order="every", slab_probability=0.0),
    epochs=2,
    batch_size=4,
    learning_rate=0.01,
    warmup_epochs=0.0,
)


@pytest.fixture(scope="session")
def cached(tmp_path_factory: pytest.TempPathFactory) -> list[CachedCase]:
    """Two phantoms of 8 slices on the coarse grid."""
    folder = tmp_path_factory.mktemp("phantoms")
    return [cache_case(write_pair(folder, f"p{seed}", slices=8, seed=seed), COARSE, folder) for seed in (1, 2)]


@pytest.fixture
def make_trainer(cached: list[CachedCase], tmp_path: Path) -> Callable[..., Trainer]:
    """Return a function that makes a trainer of TINY with other settings; the second phantom validates."""

    def make(folder: Path = tmp_path / "out", validated: bool = True, **settings: Any) -> Trainer:
        config = dataclasses.replace(TINY, **settings)
        return Trainer(
            config,
            SliceDataset(
                cached[:1],
                config.sampling,
                config.augment,
                config.seed,
                preprocess=config.preprocess,
                seen=draw_views(cached[:1], config),
            ),
            SliceDataset(cached[1:], SamplingConfig(order="every"), preprocess=config.preprocess)
            if validated
            else None,
            folder,
            split=Split(training=("p1",), test=("p2",)),
        )

    return make


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny convolutions are faster on one thread, and the machine may be busy."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three phantoms of 4 slices."""
    folder = tmp_path_factory.mktemp("phantoms")
    return write_three_patients(folder, slices=4)


@pytest.fixture
def data(tmp_path: Path, phantoms: Path) -> Path:
    """A folder of three cases, which the test may change."""
    return Path(shutil.copytree(phantoms, tmp_path / "data"))


@pytest.fixture
def arguments(data: Path, tmp_path: Path) -> list[str]:
    """Arguments that train a tiny network on these cases; what a test adds comes after them."""
    (tmp_path / "tiny.json").write_text(json.dumps(TINY_TRAINING), encoding="utf-8")
    places = {"data": data, "out": tmp_path / "out", "cache": tmp_path / "cache", "config": tmp_path / "tiny.json"}
    return ["train", "--device=cpu", "--threads=1", *(f"--{name}={path}" for name, path in places.items())]
