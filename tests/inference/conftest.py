"""Fixtures for the tests of models and engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from LungUNetSegLib.inference.model import Model, load_model


@pytest.fixture
def model(tiny_model: Path) -> Model:
    """The tiny model, loaded."""
    return load_model(tiny_model)
