"""Which engine runs on which device: what is asked for, or what is there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import FakeEngine

from LungUNetSegLib.engines import ENGINE_KINDS, ENGINES, open_engine, registry, selection
from LungUNetSegLib.errors import EngineError, MissingDependencyError
from LungUNetSegLib.models.model import Model


def test_auto_on_a_cpu_is_onnxruntime_in_float32(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects "one scan, one mask": the choice does not depend on what else is installed."""
    monkeypatch.setattr(selection, "_gpu_is_likely", lambda: False)
    engine = open_engine(model)
    assert engine.description.startswith("ONNX Runtime") and engine.description.endswith("CPU, float32")
    assert (engine.device, engine.steps_down) == ("cpu", [])


def test_auto_takes_the_next_engine_where_onnxruntime_is_missing(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects machines on which only another engine is installed, or ONNX Runtime does not load."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for missing, found in (({"openvino"}, "PyTorch"), ({"torch"}, "OpenVINO")):
        monkeypatch.setattr(registry, "find_spec", lambda name, missing=missing: name not in missing)
        engine = open_engine(model, device="cpu")
        assert engine.description.startswith(found)
        assert "pip install onnxruntime" in engine.steps_down[0]


def test_no_engine_at_all_says_what_to_install(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a first user in Slicer."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install onnxruntime"):
        open_engine(model)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_an_engine_that_is_asked_for_and_missing_is_an_error(
    model: Model, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """Protects who compares engines from getting another one."""
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(MissingDependencyError, match=f"pip install {engine}"):
        open_engine(model, engine, "cpu")


@pytest.mark.parametrize("package", ["onnxruntime", "openvino", "torch"])
def test_an_engine_that_is_installed_and_broken_is_as_a_missing_one(
    model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str
) -> None:
    """Protects Slicer's mixed installations: a package made for another numpy raises what it likes on import."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise RuntimeError('made for another\\nnumpy')")
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError, match=f"made for another numpy.*pip install {package}"):
        open_engine(model, package, "cpu")
    monkeypatch.setattr(selection, "_gpu_is_likely", lambda: package == "torch")
    expected = "OpenVINO" if package == "onnxruntime" else "ONNX Runtime"
    assert open_engine(model).description.startswith(expected)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_engines_of_the_cpu_refuse_a_gpu(model: Model, engine: str) -> None:
    """Protects who believes to compute on a GPU."""
    with pytest.raises(EngineError, match="choose the engine torch"):
        open_engine(model, engine, "cuda")


def test_a_name_that_nothing_has_is_refused(model: Model) -> None:
    """Protects from a slip in the word: another engine or device would be taken silently."""
    with pytest.raises(EngineError, match="no engine 'openvion': choose one of auto, onnxruntime, openvino, torch"):
        open_engine(model, "openvion")
    with pytest.raises(EngineError, match="no device 'gpu': choose one of auto, cpu, cuda, mps"):
        open_engine(model, device="gpu")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_asked_for_and_missing_is_an_error(
    model: Model, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """Protects likewise."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(EngineError, match=f"no {device} device"):
        open_engine(model, device=device)


def test_a_gpu_that_torch_finds_comes_first_and_the_cpu_stands_by(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects `auto` with a GPU: it is used, and its failure ends on ONNX Runtime."""
    opened = []

    def torch_engine(model: Model, device: str = "cpu", threads: int | None = None) -> FakeEngine:
        opened.append(device)
        return FakeEngine(f"fake {device}", room=0)

    monkeypatch.setattr(selection, "_gpu_is_likely", lambda: True)
    monkeypatch.setattr(selection, "torch_devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(selection, "TorchEngine", torch_engine)
    engine = open_engine(model)
    assert (engine.description, opened) == ("fake cuda", ["cuda"])
    full_size = np.zeros((1, model.preprocess.channels, *model.preprocess.size), np.float32)
    assert engine.probabilities(full_size).shape == (1, 2, *model.preprocess.size)
    assert engine.description.startswith("ONNX Runtime")


def test_a_broken_torch_does_not_disturb_auto(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects machines with a GPU whose torch does not load."""
    monkeypatch.setattr(selection, "_gpu_is_likely", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert open_engine(model).description.startswith("ONNX Runtime")


def test_every_engine_says_whether_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `auto`, which tries what is installed and nothing else."""
    assert ("auto", *(kind.name for kind in ENGINE_KINDS)) == ENGINES
    assert any(kind.available for kind in ENGINE_KINDS)
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert not any(kind.available for kind in ENGINE_KINDS)
