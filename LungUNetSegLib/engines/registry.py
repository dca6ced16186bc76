"""Registers the engines, with whether the package of each is installed.

A new engine is a file here with a class that satisfies `Engine`, and an entry below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Literal, get_args

from LungUNetSegLib.engines.engine import Engine
from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.engines.open_vino import OpenVinoEngine
from LungUNetSegLib.engines.torch_engine import TorchEngine
from LungUNetSegLib.models.model import Model

EngineName = Literal["auto", "onnxruntime", "openvino", "torch"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """An engine that can be chosen by name.

    Attributes:
        name: The key in `ENGINES`, which is also the package's name for import and installation.
        opener: The engine's class; takes a model, and `threads` for the CPU.
        needs_graph: Whether it runs the ONNX graph, which a training checkpoint does not have.
        has_gpus: Whether it may run on a GPU.
    """

    name: EngineName
    opener: Callable[..., Engine]
    needs_graph: bool = True
    has_gpus: bool = False

    @property
    def available(self) -> bool:
        """Whether its package is installed. Whether it loads is not checked, which would take seconds."""
        return bool(find_spec(self.name))

    def on_cpu(self, model: Model, threads: int | None) -> Callable[[], Engine]:
        """Return a function that opens the engine on the CPU."""
        return partial(self.opener, model, threads=threads)


ENGINE_KINDS = (
    EngineKind(name="onnxruntime", opener=OnnxRuntimeEngine),
    EngineKind(name="openvino", opener=OpenVinoEngine),
    EngineKind(name="torch", opener=TorchEngine, needs_graph=False, has_gpus=True),
)
"""All engines, in the order of fallback on the CPU."""
