"""Corrected cases of phantoms, and a tiny model that begins a fine-tuning."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from phantom_cases import write_three_patients
from tiny_models import write_checkpoint

from LungUNetSegLib.engines.export import export
from LungUNetSegLib.finetuning import settings
from LungUNetSegLib.preprocessing import PreprocessConfig

TINY = PreprocessConfig(spacing_mm=7.0, size=(48, 56), context_mm=20.0, coarse_mm=14.0)


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cases of three patients."""
    folder = tmp_path_factory.mktemp("corrected")
    return write_three_patients(folder, slices=4)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model with a coarse network, its normalisation folded."""
    folder = tmp_path_factory.mktemp("base")
    export(write_checkpoint(folder / "base.pt", TINY, features_per_stage=(4, 8)), folder / "base", "base")
    return folder / "base"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own models, empty; trainings take a second."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(settings, "SLICES_PER_EPOCH", 8)
    monkeypatch.setattr(settings, "VIEWS", 2)
    monkeypatch.setattr(settings, "LUNGS", dataclasses.replace(settings.LUNGS, batch_size=4, precision="float32"))
    return tmp_path / "home" / "lungunetseg" / "models"
