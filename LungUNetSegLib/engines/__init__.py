"""Engines that run a network: ONNX Runtime, OpenVINO, PyTorch; none is imported before it is used."""

from LungUNetSegLib.engines.engine import Engine, OutOfMemoryError
from LungUNetSegLib.engines.fallback import FallbackEngine
from LungUNetSegLib.engines.selection import DEVICES, ENGINES, DeviceName, EngineName, open_engine

__all__ = [
    "DEVICES",
    "ENGINES",
    "DeviceName",
    "Engine",
    "EngineName",
    "FallbackEngine",
    "OutOfMemoryError",
    "open_engine",
]
