"""Each engine by itself: its threads, its precision, and what its failures mean."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from tiny_models import one_channel_model

from LungUNetSegLib import machine as machine_module
from LungUNetSegLib.engines import OutOfMemoryError, open_engine
from LungUNetSegLib.engines.engine import engine_failure
from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.engines.torch_engine import TorchEngine
from LungUNetSegLib.errors import EngineError, LungUNetSegError
from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.segments import lungs_of
from LungUNetSegLib.volume.resample import limited_threads


def _noise(model: Model, number: int) -> np.ndarray:
    """Slices as the model sees them."""
    shape = (number, model.preprocess.channels, *model.preprocess.size)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: unspecified launch failure"), TypeError("no float64")])
def test_a_gpu_that_breaks_in_torch_is_an_engine_s_failure(
    model: Model, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Protects the next engine's turn: a broken GPU answers every further call with an error, whatever is asked."""
    import torch

    def fail(*_: object) -> None:
        raise error

    engine = TorchEngine(model)
    monkeypatch.setattr(engine, "device", "cuda")
    monkeypatch.setattr(torch.cuda, "empty_cache", fail)
    monkeypatch.setattr(torch, "from_numpy", fail)
    with pytest.raises(EngineError, match="PyTorch failed"):
        engine.probabilities(_noise(model, 1))


def test_a_gpu_computes_in_the_float32_that_is_reported(model: Model) -> None:
    """Protects "one scan, one mask": left alone, an NVIDIA GPU rounds a convolution's factors to 10 bits (TF32)."""
    import torch

    seen = []
    engine = TorchEngine(model)
    engine._network.register_forward_pre_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    before = torch.backends.cudnn.allow_tf32
    engine.probabilities(_noise(model, 1))
    assert seen == [False] and torch.backends.cudnn.allow_tf32 is before


def test_a_gpu_computes_what_the_cpu_computes(model: Model) -> None:
    """Protects the second half of that: on the GPU itself."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU")
    slices = _noise(model, 3)
    on_cpu, on_gpu = (TorchEngine(model, device).probabilities(slices) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-4)


@pytest.mark.parametrize(("graph", "manifest"), [(1, 2), (2, 1)])
def test_a_graph_of_other_channels_than_its_manifest_s_is_refused(tiny_model: Path, graph: int, manifest: int) -> None:
    """Protects the sides: one channel for both lungs, copied to two, would be a right lung and no left one."""
    pytest.importorskip("openvino")
    own = load_model(tiny_model if graph == 2 else one_channel_model())
    network = {**own.network, "out_channels": manifest}
    other = replace(own, network=network, structures=lungs_of(manifest))
    for engine in ("onnxruntime", "openvino"):
        with pytest.raises(EngineError, match="not probabilities of this model"):
            open_engine(other, engine).probabilities(_noise(own, 2))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_graph_that_is_none_is_refused(model: Model, tmp_path: Path, engine: str) -> None:
    """Protects from a damaged file that nobody's hash has caught, and from a checkpoint given to the wrong engine."""
    pytest.importorskip(engine)
    (tmp_path / "network.onnx").write_bytes(b"\x08\x00no graph")
    with pytest.raises(EngineError):
        open_engine(replace(model, onnx=tmp_path / "network.onnx"), engine)
    with pytest.raises(EngineError, match="choose the engine torch"):
        open_engine(replace(model, onnx=None), engine)


def test_many_kinds_of_errors_are_told_apart() -> None:
    """Protects the halving: engines say "out of memory" in their own words."""
    for error in (
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("onnxruntime::BFCArena::AllocateRawInternal Failed to allocate memory"),
        RuntimeError("could not create a primitive"),  # oneDNN, on which torch runs
    ):
        assert isinstance(engine_failure("x", error), OutOfMemoryError)
    other = engine_failure("PyTorch", RuntimeError("CUDA error:\n device-side assert"))
    assert not isinstance(other, OutOfMemoryError)
    assert str(other) == "PyTorch failed: CUDA error: device-side assert"


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_damaged_weights_that_no_hash_has_caught_give_no_mask(tmp_path: Path, tiny_model: Path, engine: str) -> None:
    """Protects from a file that is cut short, and from numbers that are none."""
    pytest.importorskip(engine)
    model = load_model(shutil.copytree(tiny_model, tmp_path / "own"))
    content = model.weights.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    for damaged in (content[:-400], content[:start] + b"\x00\x00\xc0\x7f" * ((len(content) - start) // 4)):
        model.weights.write_bytes(damaged)
        with pytest.raises(LungUNetSegError):
            open_engine(model, engine, "cpu").probabilities(_noise(model, 1))


@pytest.mark.parametrize("weights", [5, {}, {"head.weight": "text"}])
def test_a_checkpoint_with_weights_of_nothing_is_refused(
    tmp_path: Path, tiny_checkpoint: Path, weights: object
) -> None:
    """Protects from a damaged file that still looks like one of ours."""
    import torch

    torch.save(torch.load(tiny_checkpoint, weights_only=True) | {"network": weights}, tmp_path / "odd.pt")
    with pytest.raises(EngineError, match="PyTorch failed"):
        open_engine(load_model(tmp_path / "odd.pt"), device="cpu")


def test_openvino_says_float32_where_the_cpu_has_no_bfloat16(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the report, and older CPUs; the numbers are those of float32 then."""
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "INT8"])
    engine = open_engine(model, "openvino")
    assert engine.description.endswith("CPU, float32")
    expected = open_engine(model, "onnxruntime").probabilities(_noise(model, 3))
    np.testing.assert_allclose(engine.probabilities(_noise(model, 3)), expected, atol=1e-5)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_openvino_s_engines_leave_signals_alone(tiny_model: Path) -> None:
    """Protects Ctrl-C, and Slicer, where engines come and go in any order."""
    pytest.importorskip("openvino")
    lines = [
        "import os, signal, sys",
        "from LungUNetSegLib.engines import open_engine",
        "from LungUNetSegLib.models.model import load_model",
        "signal.signal(signal.SIGTERM, lambda *_: print('heard'))",
        "model = load_model(sys.argv[1])",
        "first, second = (open_engine(model, 'openvino') for _ in range(2))",
        "del first",
        "del second",
        "os.kill(os.getpid(), signal.SIGTERM)",
    ]
    command = [sys.executable, "-c", "\n".join(lines), str(tiny_model)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (child.returncode, child.stdout.strip()) == (0, "heard"), child.stderr


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_every_engine_is_told_how_many_threads(model: Model, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `--threads`, and the result from depending on it."""
    import onnxruntime
    import torch

    told: list[int] = []
    session = onnxruntime.InferenceSession

    def open_session(path: str, options: onnxruntime.SessionOptions, providers: list[str]) -> object:
        told.append(options.intra_op_num_threads)
        return session(path, options, providers=providers)

    monkeypatch.setattr(machine_module, "limited_cores", lambda: None)
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    if engine == "openvino":
        openvino = pytest.importorskip("openvino")
        compile_model = openvino.Core.compile_model

        def compile_and_ask(*arguments: object) -> object:
            compiled = compile_model(*arguments)
            told.append(compiled.get_property("INFERENCE_NUM_THREADS"))
            return compiled

        monkeypatch.setattr(openvino.Core, "compile_model", compile_and_ask)
    one = open_engine(model, engine, "cpu", 1).probabilities(_noise(model, 3))
    assert told == [1]
    any_number = open_engine(model, engine, "cpu").probabilities(_noise(model, 3))
    np.testing.assert_allclose(one, any_number, atol=1e-5)


@pytest.mark.parametrize(
    ("machine", "allowed", "limit", "expected"),
    [(8, 8, None, None), (8, 2, None, 2), (8, 8, 1.5, 2), (2, 2, 4.0, None)],
)
def test_a_container_s_limit_is_kept(
    monkeypatch: pytest.MonkeyPatch, machine: int, allowed: int, limit: float | None, expected: int | None
) -> None:
    """Protects servers: sixty threads on two cores' time are slower than two."""
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    monkeypatch.setattr(machine_module, "cpu_limit", lambda: limit)
    assert machine_module.limited_cores() == expected


def test_no_more_threads_are_started_than_there_are_cores(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from `--threads 100000`: ONNX Runtime starts them all, and each takes its stack."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    for limit, wanted, expected in (
        (None, None, None), (None, 3, 3), (None, 100_000, 4), (2, None, 2), (2, 1, 1), (2, 100_000, 2),
    ):  # fmt: skip
        monkeypatch.setattr(machine_module, "limited_cores", lambda limit=limit: limit)
        assert machine_module.usable_threads(wanted) == expected
    engine = open_engine(model, "onnxruntime", "cpu", 100_000)
    assert engine._engine._session.get_session_options().intra_op_num_threads == 1  # for each of the slices at once
    assert engine._engine._at_once == 2
    with limited_threads(100_000):
        assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 2


@pytest.mark.parametrize(("threads", "at_once", "each"), [(1, 1, 1), (2, 2, 1), (3, 1, 3), (4, 2, 2)])
def test_every_thread_computes(model: Model, threads: int, at_once: int, each: int) -> None:
    """Protects an odd number of threads: two slices at once would leave one of three idle."""
    engine = OnnxRuntimeEngine(model, threads)
    assert engine._at_once == at_once
    assert engine._session.get_session_options().intra_op_num_threads == each
