"""Chooses the engine and device, and the fallbacks if they fail."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from LungUNetSegLib.engines.engine import Engine
from LungUNetSegLib.engines.fallback import FallbackEngine
from LungUNetSegLib.engines.int8_arithmetic import is_int8_exact
from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.engines.registry import ENGINE_KINDS, ENGINES, EngineKind, EngineName
from LungUNetSegLib.engines.torch_engine import TorchEngine, torch_devices
from LungUNetSegLib.errors import EngineError, MissingDependencyError
from LungUNetSegLib.machine import usable_threads
from LungUNetSegLib.models.model import Model

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)


def open_engine(
    model: Model, engine: EngineName = "auto", device: DeviceName = "auto", threads: int | None = None
) -> FallbackEngine:
    """Load a model into an engine.

    By default it takes a GPU with torch if both are available, and ONNX Runtime on the CPU otherwise, with 8-bit
    numbers if the model has such a graph and the processor computes it exactly. An engine chosen by name computes in
    float32, OpenVINO in bfloat16 where the processor does.

    Args:
        model: From `load_model`.
        engine: An engine chosen by name is used, or an error is raised.
        device: Likewise; but if a GPU fails during a run, the CPU continues.
        threads: CPU threads, at most the cores of the machine or the container; if None, all of them.

    Raises:
        EngineError: There is no such engine or device, the engine does not run on the device, the device does not
            exist here, or the model lacks the engine's format.
        MissingDependencyError: The engine is not installed.
    """
    for kind, name, known in (("engine", engine, ENGINES), ("device", device, DEVICES)):
        if name not in known:
            raise EngineError(f"There is no {kind} {name!r}: choose one of {', '.join(known)}.")
    gpus = _gpus(engine, device)
    on_cpu = _cpu_engines(model, engine, usable_threads(threads))
    on_gpu: list[Callable[[], Engine]] = [partial(TorchEngine, model, gpu) for gpu in gpus]
    if gpus and device != "auto":
        asked = on_gpu[0]()
        return FallbackEngine([lambda: asked, *on_cpu], model.channels)
    return FallbackEngine([*on_gpu, *on_cpu], model.channels)


def _gpus(engine: EngineName, device: DeviceName) -> list[DeviceName]:
    """Return the GPUs to try with torch; empty for the CPU."""
    asked = _kind(engine)
    if device in ("cuda", "mps"):
        if asked and not asked.has_gpus:
            raise EngineError(f"The engine {engine} runs on the CPU only: choose the engine torch for {device}.")
        return [device]
    if device == "cpu" or (asked and not asked.has_gpus):
        return []
    if asked is None and not _gpu_is_likely():
        return []
    try:
        found = torch_devices()
    except MissingDependencyError:
        if asked:
            raise
        return []
    return [name for name in DEVICES if name in found and name != "cpu"]


def _cpu_engines(model: Model, engine: EngineName, threads: int | None) -> list[Callable[[], Engine]]:
    """Return openers of the CPU's engines, the preferred first; only one if it was chosen by name."""
    asked = _kind(engine)
    if asked:
        return [asked.on_cpu(model, threads)]
    able = [kind for kind in ENGINE_KINDS if model.onnx is not None or not kind.needs_graph]
    # An engine that is not installed is no fallback, and is not reported if it was not chosen.
    openers = [kind.on_cpu(model, threads) for kind in able if kind.available] or [able[0].on_cpu(model, threads)]
    return [partial(OnnxRuntimeEngine, model, threads, int8=True), *openers] if _takes_int8(model) else openers


def _takes_int8(model: Model) -> bool:
    """Whether the model has an 8-bit graph, and ONNX Runtime computes it exactly here."""
    if model.int8 is None:
        return False
    try:
        return is_int8_exact()
    except MissingDependencyError:
        return False  # reported by the float32 engine


def _kind(engine: EngineName) -> EngineKind | None:
    """Return the engine with that name; None for "auto"."""
    return next((kind for kind in ENGINE_KINDS if kind.name == engine), None)


def _gpu_is_likely() -> bool:
    """Whether a GPU is likely, so that importing torch, which takes seconds, is worthwhile."""
    if find_spec("torch") is None:
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    nvidia_windows = Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll")
    drivers = (Path("/proc/driver/nvidia/version"), Path("/dev/kfd"), nvidia_windows)
    return any(path.exists() for path in drivers)
