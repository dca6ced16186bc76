"""Describes this machine for bug reports: versions, processor, memory, GPU, engines and models.

No path, user or host name is included, so that the lines can be published.
"""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from LungUNetSegLib import __version__
from LungUNetSegLib.engines.int8_arithmetic import is_int8_exact
from LungUNetSegLib.errors import ModelError, message_of
from LungUNetSegLib.machine import cores, memory_bytes
from LungUNetSegLib.models.model import load_model, shipped_models

PACKAGES = (
    "numpy", "scipy", "SimpleITK", "pydicom", "python-gdcm", "nibabel", "onnxruntime", "openvino", "torch", "onnx",
    "onnxscript", "matplotlib", "tensorboard", "slicer-core", "trame-slicer", "vtk",
)  # fmt: skip
"""Named as on PyPI; those of the extras and of Slicer's core may be missing."""

FEATURES = (
    "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8",
    "asimd", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip
"""Processor features that make a network fast, by Linux's names."""

VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip
CPU_INFO = Path("/proc/cpuinfo")


def describe_environment(*, load_engines: bool = True) -> dict[str, str]:
    """Return a line of text for each item, by its name; an unknown value is reported as unknown.

    Args:
        load_engines: Import each engine and ask it what it runs on, which takes seconds and holds memory.
    """
    lines = {
        "LungUNetSeg": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "System": platform.platform(),
        "Processor": f"{_processor()}; {cores()} of {os.cpu_count()} cores may be used",
        "Processor features": " ".join(_features()) or "unknown",
        "Memory": _memory(),
    }
    lines |= {name: os.environ[name] for name in VARIABLES if name in os.environ}
    lines |= {name: _version(name) for name in PACKAGES}
    if load_engines:
        lines |= {"ONNX Runtime runs on": _onnx_providers(), "Its 8-bit sums": _int8_sums()}
        lines |= {"OpenVINO runs on": _openvino_devices(), "GPU": _gpus()}
    return lines | {f"Model {name}": _model(name) for name in shipped_models()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    name = next((text for key, text in _cpu_info() if key == "model name"), None)
    return name or platform.processor() or platform.machine()


def _features() -> list[str]:
    """Return which of `FEATURES` the processor has; without Linux's list, those that NumPy detects."""
    flags = next((set(text.split()) for key, text in _cpu_info() if key in ("flags", "Features")), None)
    if flags is not None:
        return [each for each in FEATURES if each in flags]
    try:
        module = importlib.import_module("numpy._core._multiarray_umath")
        return sorted(name.lower() for name, there in module.__cpu_features__.items() if there)
    except (ImportError, AttributeError):
        return []


def _cpu_info() -> Iterator[tuple[str, str]]:
    try:
        text = CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        key, _, value = line.partition(":")
        yield key.strip(), value.strip()


def _memory() -> str:
    size = memory_bytes()
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"


def _onnx_providers() -> str:
    return _asked("onnxruntime", lambda package: ", ".join(package.get_available_providers()))


def _int8_sums() -> str:
    return _asked("onnxruntime", lambda _: "exact" if is_int8_exact() else "saturate, so float32 is computed")


def _openvino_devices() -> str:
    return _asked("openvino", lambda package: ", ".join(package.Core().available_devices))


def _gpus() -> str:
    def found(torch: Any) -> str:
        count = torch.cuda.device_count()
        names = [f"{torch.cuda.get_device_name(each)} (CUDA {torch.version.cuda})" for each in range(count)]
        names += ["Apple's, by MPS"] if torch.backends.mps.is_available() else []
        return ", ".join(names) or "none that torch can use"

    return _asked("torch", found)


def _asked(package: str, question: Callable[[Any], str]) -> str:
    """Return a function's answer, or why it fails: the report must also work for a broken installation."""
    try:
        return question(importlib.import_module(package))
    except Exception as error:  # a missing driver library or an incompatible NumPy may raise anything
        return f"unknown ({type(error).__name__}: {message_of(error)})"


def _model(name: str) -> str:
    try:
        return f"SHA-256 {load_model(name).sha256}"
    except ModelError as error:
        return str(error)
