"""Which engine runs, and what happens when one is missing, too small or broken: the next one, or a sentence."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.errors import EngineError, MissingDependencyError
from LungUNetSegLib.inference.engines import FallbackEngine, OutOfMemoryError, open_engine, selection, threads
from LungUNetSegLib.inference.engines.engine import engine_failure
from LungUNetSegLib.inference.model import Model, load_model


class FakeEngine:
    """Answers with the slice's own mean; fails as told.

    Args:
        name: Its description.
        room: More slices at once are out of memory.
        fails_at: Number of the call that fails otherwise.
        answer: What it answers instead.
    """

    device = "cpu"

    def __init__(self, name: str, room: int = 99, fails_at: int = 0, answer: float | None = None) -> None:
        self.description, self.room, self.fails_at, self.answer = name, room, fails_at, answer
        self.batches: list[int] = []

    def probabilities(self, slices: np.ndarray) -> np.ndarray:
        """Answer or fail."""
        self.batches.append(len(slices))
        if len(slices) > self.room:
            raise OutOfMemoryError(f"{self.description} ran out of memory.")
        if len(self.batches) == self.fails_at:
            raise EngineError(f"{self.description} failed.")
        value = slices.mean(axis=(1, 2, 3), keepdims=True) if self.answer is None else self.answer
        return np.broadcast_to(value, (len(slices), 2, *slices.shape[2:])).astype(np.float32)


@pytest.fixture
def slices() -> np.ndarray:
    """Twelve slices, each of one value between 0 and 1."""
    values = np.arange(12, dtype=np.float32) / 16  # whose means are exact
    return values[:, None, None, None] * np.ones((1, 1, 4, 5), np.float32)


@pytest.fixture
def model(tiny_model: Path) -> Model:
    """The tiny model, loaded."""
    return load_model(tiny_model)


def _is_answer(result: np.ndarray, slices: np.ndarray) -> bool:
    return np.array_equal(result, np.broadcast_to(slices, result.shape))


def test_without_trouble_the_first_engine_does_all(slices: np.ndarray) -> None:
    """Protects the plain way."""
    first, second = FakeEngine("first"), FakeEngine("second")
    engine = FallbackEngine([lambda: first, lambda: second], batch_slices=8)
    assert _is_answer(engine.probabilities(slices), slices)
    assert (first.batches, second.batches, engine.steps_down) == ([8, 4], [], [])


def test_out_of_memory_halves_the_batch_and_keeps_the_result(
    slices: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects small GPUs: 8, 4, 2 at once, each step logged, the same result."""
    small = FakeEngine("small GPU", room=2)
    engine = FallbackEngine([lambda: small], batch_slices=8)
    with caplog.at_level(logging.WARNING):
        assert _is_answer(engine.probabilities(slices), slices)
    assert small.batches == [8, 4] + 6 * [2]
    assert len(engine.steps_down) == len(caplog.records) == 2
    assert "2 slices at once" in engine.steps_down[-1]


def test_no_room_for_one_slice_goes_on_with_the_next_engine(slices: np.ndarray) -> None:
    """Protects from ending for want of a GPU's memory; the CPU gets full batches again."""
    gpu, cpu = FakeEngine("GPU", room=0), FakeEngine("CPU")
    engine = FallbackEngine([lambda: gpu, lambda: cpu], batch_slices=4)
    assert _is_answer(engine.probabilities(slices), slices)
    assert (gpu.batches, cpu.batches) == ([4, 2, 1], [4, 4, 4])
    assert engine.description == "CPU"


def test_an_engine_that_fails_midway_loses_nothing(slices: np.ndarray) -> None:
    """Protects what is computed, and the rest, from a GPU that dies."""
    gpu, cpu = FakeEngine("GPU", fails_at=2), FakeEngine("CPU")
    engine = FallbackEngine([lambda: gpu, lambda: cpu], batch_slices=4)
    assert _is_answer(engine.probabilities(slices), slices)
    assert (gpu.batches, cpu.batches) == ([4, 4], [4, 4])
    assert "GPU failed" in engine.steps_down[0] and "CPU" in engine.steps_down[0]


@pytest.mark.parametrize("rubbish", [np.nan, np.inf, -0.1, 1.5])
def test_values_that_are_no_probabilities_are_never_used(slices: np.ndarray, rubbish: float) -> None:
    """Protects from a wrong mask: a broken device's numbers are a failure."""
    engine = FallbackEngine([lambda: FakeEngine("broken", answer=rubbish), lambda: FakeEngine("CPU")])
    assert _is_answer(engine.probabilities(slices), slices)
    with pytest.raises(EngineError, match="no probabilities"):
        FallbackEngine([lambda: FakeEngine("broken", answer=rubbish)]).probabilities(slices)


def test_when_the_last_engine_fails_so_does_the_work(slices: np.ndarray) -> None:
    """Protects from an endless search."""
    engine = FallbackEngine([lambda: FakeEngine("a", fails_at=1), lambda: FakeEngine("b", room=0)])
    with pytest.raises(OutOfMemoryError, match="b ran out"):
        engine.probabilities(slices)


def test_engines_that_do_not_open_are_passed_over() -> None:
    """Protects `auto` where an installed engine is broken, and tells why when none opens."""

    def broken() -> FakeEngine:
        raise MissingDependencyError("no AVX")

    engine = FallbackEngine([broken, lambda: FakeEngine("works")])
    assert engine.description == "works" and engine.steps_down == ["no AVX"]
    with pytest.raises(MissingDependencyError, match="no AVX"):
        FallbackEngine([broken])


def test_many_kinds_of_errors_are_told_apart() -> None:
    """Protects the halving: engines say "out of memory" in their own words."""
    for error in (
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("onnxruntime::BFCArena::AllocateRawInternal Failed to allocate memory"),
    ):
        assert isinstance(engine_failure("x", error), OutOfMemoryError)
    other = engine_failure("PyTorch", RuntimeError("CUDA error:\n device-side assert"))
    assert not isinstance(other, OutOfMemoryError)
    assert str(other) == "PyTorch failed: CUDA error: device-side assert"


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
        monkeypatch.setattr(selection, "find_spec", lambda name, missing=missing: name not in missing)
        engine = open_engine(model, device="cpu")
        assert engine.description.startswith(found)
        assert "pip install onnxruntime" in engine.steps_down[0]


def test_no_engine_at_all_says_what_to_install(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a first user in Slicer."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(selection, "find_spec", lambda name: None)
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


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_engines_of_the_cpu_refuse_a_gpu(model: Model, engine: str) -> None:
    """Protects who believes to compute on a GPU."""
    with pytest.raises(EngineError, match="--engine torch"):
        open_engine(model, engine, "cuda")


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
    model: Model, monkeypatch: pytest.MonkeyPatch, slices: np.ndarray
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


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_graph_that_is_none_is_refused(model: Model, tmp_path: Path, engine: str) -> None:
    """Protects from a damaged file that nobody's hash has caught, and from a checkpoint given to the wrong engine."""
    pytest.importorskip(engine)
    (tmp_path / "network.onnx").write_bytes(b"\x08\x00no graph")
    with pytest.raises(EngineError):
        open_engine(replace(model, onnx=tmp_path / "network.onnx"), engine)
    with pytest.raises(EngineError, match="--engine torch"):
        open_engine(replace(model, onnx=None), engine)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_one_thread_gives_the_same(model: Model, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `--threads`."""
    import torch

    asked: list[int] = []
    monkeypatch.setattr(selection, "limited_cores", lambda: None)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    pytest.importorskip(engine)
    shape = (3, model.preprocess.channels, *model.preprocess.size)
    values = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    one, any_number = (open_engine(model, engine, "cpu", number).probabilities(values) for number in (1, None))
    np.testing.assert_allclose(one, any_number, atol=1e-5)
    assert asked == ([1] if engine == "torch" else [])


@pytest.mark.parametrize(
    ("machine", "allowed", "limit", "expected"),
    [(8, 8, "max 100000", None), (8, 2, "max 100000", 2), (8, 8, "150000 100000", 2), (2, 2, "400000 100000", None)],
)
def test_a_container_s_limit_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: int, allowed: int, limit: str, expected: int | None
) -> None:
    """Protects servers: sixty threads on two cores' time are slower than two."""
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    monkeypatch.setattr(threads, "CGROUP_LIMIT", tmp_path / "cpu.max")
    assert threads.limited_cores() == expected
    monkeypatch.setattr(threads, "CGROUP_LIMIT", tmp_path / "missing")
    assert threads.limited_cores() == (allowed if allowed < machine else None)
