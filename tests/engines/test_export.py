"""An exported model is its checkpoint, in every engine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tiny_models import COARSE, write_checkpoint

from LungUNetSegLib.engines import export as export_module
from LungUNetSegLib.engines import open_engine
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import ModelError, WriteError
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.networks import build_network

TOLERANCE = 1e-5
BFLOAT16_TOLERANCE = 0.03
"""bfloat16 keeps 8 bits, and the tiny network's random weights make steep probabilities of them."""


@pytest.fixture(scope="module")
def slices() -> np.ndarray:
    """Three normalised slices of noise."""
    return np.random.default_rng(3).uniform(-1, 1, (3, 3, *COARSE.size)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(tiny_checkpoint: Path, slices: np.ndarray) -> np.ndarray:
    """The checkpoint's probabilities in torch."""
    values = torch.load(tiny_checkpoint, weights_only=True)
    network = build_network(values["config"]["network"]).eval()
    network.load_state_dict(values["network"])
    with torch.inference_mode():
        result: np.ndarray = network(torch.from_numpy(slices)).sigmoid().numpy()
    assert result.std() > 0.04, "the test would see little"
    return result


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
@pytest.mark.parametrize("batch", [1, 3])
def test_float32_engines_agree_with_the_checkpoint(
    tiny_model: Path, slices: np.ndarray, expected: np.ndarray, engine: str, batch: int
) -> None:
    """Protects the promise of 1e-5 in probability, at any batch size."""
    result = open_engine(load_model(tiny_model), engine).probabilities(slices[:batch])
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected[:batch], atol=TOLERANCE)


def test_openvino_agrees_within_its_precision(tiny_model: Path, slices: np.ndarray, expected: np.ndarray) -> None:
    """Protects the fast engine, which says in which precision it computed."""
    pytest.importorskip("openvino")
    engine = open_engine(load_model(tiny_model), "openvino")
    tolerance = BFLOAT16_TOLERANCE if "bfloat16" in engine.description else TOLERANCE
    np.testing.assert_allclose(engine.probabilities(slices), expected, atol=tolerance)


def test_a_checkpoint_itself_runs_in_torch(tiny_checkpoint: Path, slices: np.ndarray, expected: np.ndarray) -> None:
    """Protects looking at a training's result before any export."""
    engine = open_engine(load_model(tiny_checkpoint))
    assert "PyTorch" in engine.description
    np.testing.assert_allclose(engine.probabilities(slices), expected, atol=TOLERANCE)


def test_the_average_of_the_weights_is_what_is_used(tmp_path: Path, tiny_checkpoint: Path, slices: np.ndarray) -> None:
    """Protects the better weights of a training that keeps a moving average."""
    values = torch.load(tiny_checkpoint, weights_only=True)
    values["average"] = {name: torch.zeros_like(tensor) for name, tensor in values["network"].items()}
    torch.save(values, tmp_path / "averaged.pt")
    engine = open_engine(load_model(tmp_path / "averaged.pt"))
    np.testing.assert_array_equal(engine.probabilities(slices), 0.5)


def test_another_normalisation_exports_too(tmp_path: Path) -> None:
    """Protects the ONNX form of a network of another kind; export itself compares."""
    checkpoint = write_checkpoint(tmp_path / "c.pt", normalisation="instance", out_channels=1, stem_stride=1)
    assert export(checkpoint, tmp_path / "m", "m").channels == 1


def test_weights_are_there_once_and_nothing_of_the_maker_s_machine(tiny_model: Path) -> None:
    """Protects the 15 MB for all models, and the privacy of who exports."""
    graph = onnx.load(tiny_model / "network.onnx", load_external_data=False)
    inside = sum(len(tensor.raw_data) for tensor in graph.graph.initializer)
    assert inside < 1000 < (tiny_model / "weights.safetensors").stat().st_size
    text = (tiny_model / "network.onnx").read_bytes()
    assert b"LungUNetSegLib" not in text and b".py" not in text


def test_the_same_checkpoint_gives_the_same_files(tiny_model: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Protects reproducing a shipped model: equal hashes."""
    export(tiny_checkpoint, tmp_path / "again", "tiny", description="Random weights.", date="2026-01-31")
    for path in tiny_model.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_an_export_that_differs_is_refused(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from an exporter's bug."""
    monkeypatch.setattr(export_module, "PROBABILITY_TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="differs from its checkpoint"):
        export(tiny_checkpoint, tmp_path / "m", "m")
    assert not list((tmp_path / "m").iterdir()), "what was refused lies there for somebody to use"


def test_an_engine_in_use_keeps_the_weights_that_it_opened(
    tiny_model: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """Protects a run from an export over its model: written in place, the file that it reads would be cut short."""
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    with (folder / "weights.safetensors").open("rb") as in_use:
        export(tiny_checkpoint, folder, "m")
        assert in_use.read() == (tiny_model / "weights.safetensors").read_bytes()
        assert os.fstat(in_use.fileno()).st_ino != (folder / "weights.safetensors").stat().st_ino
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in tiny_model.iterdir())


def test_a_place_that_cannot_be_written_is_named(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Protects who gives a file where a folder is wanted."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="file"):
        export(tiny_checkpoint, tmp_path / "file", "m")


def test_torch_refuses_weights_of_another_network(tiny_model: Path, tmp_path: Path) -> None:
    """Protects from a manifest that names the wrong network: no guess, a sentence."""
    from dataclasses import replace

    from LungUNetSegLib.errors import EngineError

    model = load_model(shutil.copytree(tiny_model, tmp_path / "own"))
    other = replace(model, network={**model.network, "features_per_stage": [4, 8]})
    with pytest.raises(EngineError, match="PyTorch"):
        open_engine(other, "torch")
