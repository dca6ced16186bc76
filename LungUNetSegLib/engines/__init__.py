"""Engines that run a network: ONNX Runtime, OpenVINO, PyTorch; each is imported only when it is used."""

from LungUNetSegLib.engines.engine import Engine, OutOfMemoryError
from LungUNetSegLib.engines.fallback import FallbackEngine
from LungUNetSegLib.engines.registry import ENGINE_KINDS, ENGINES, EngineKind, EngineName
from LungUNetSegLib.engines.selection import DEVICES, DeviceName, open_engine

__all__ = [
    "DEVICES",
    "ENGINES",
    "ENGINE_KINDS",
    "DeviceName",
    "Engine",
    "EngineKind",
    "EngineName",
    "FallbackEngine",
    "OutOfMemoryError",
    "open_engine",
]
