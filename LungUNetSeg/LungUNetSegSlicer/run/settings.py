"""The user's choices in the panel, and the command line options that they stand for."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _


class Device(enum.Enum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"

    def label(self) -> str:
        """Return the name that the panel shows."""
        return {Device.AUTO: _("Automatic"), Device.CPU: _("CPU"), Device.GPU: _("GPU")}[self]


class Engine(enum.Enum):
    """The engine that runs the network, by the library's names."""

    AUTO = "auto"
    ONNX_RUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    TORCH = "torch"

    def label(self) -> str:
        """Return the name that the panel shows."""
        names = {Engine.ONNX_RUNTIME: "ONNX Runtime", Engine.OPENVINO: "OpenVINO", Engine.TORCH: "PyTorch"}
        return names.get(self) or _("Automatic")


class Output(enum.Enum):
    """Which segments to make."""

    RIGHT_AND_LEFT = "lr"
    BOTH_AS_ONE = "binary"

    def label(self) -> str:
        """Return the name that the panel shows."""
        return _("Right and left lung") if self is Output.RIGHT_AND_LEFT else _("Both lungs as one")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of a run.

    Attributes:
        model: Name of a shipped model, or path of a model's file.
        device: Where to compute.
        engine: What runs the network.
        output: Which segments to make.
        show3d: Also make surfaces for the 3D views.
    """

    model: str
    device: Device = Device.AUTO
    engine: Engine = Engine.AUTO
    output: Output = Output.RIGHT_AND_LEFT
    show3d: bool = True

    @property
    def needs_torch(self) -> bool:
        """Whether PyTorch is required or chosen."""
        from LungUNetSegLib.models.model import CHECKPOINT_SUFFIXES  # imported here, so that Slicer starts without it

        torch_only = self.device is Device.GPU or Path(self.model).suffix in CHECKPOINT_SUFFIXES
        return torch_only or self.engine is Engine.TORCH

    @property
    def contradictory(self) -> bool:
        """Whether the chosen device or model needs PyTorch, but another engine is chosen."""
        return self.needs_torch and self.engine in (Engine.ONNX_RUNTIME, Engine.OPENVINO)

    def arguments(self) -> list[str]:
        """Return the options of `LungUNetSegSlicer.run.segmentation_child`."""
        arguments = self.batch_arguments()
        return [*arguments, "--surfaces"] if self.show3d else arguments

    def batch_arguments(self) -> list[str]:
        """Return the options that both `lungunetseg segment` and `lungunetseg batch` take."""
        place = ["--engine", self.engine.value, "--device", self.library_device]
        return ["--model", self.model, *place, "--labels", self.output.value]

    @property
    def library_device(self) -> str:
        """The library's name of the device."""
        if self.device is Device.GPU:
            return "mps" if sys.platform == "darwin" else "cuda"
        return self.device.value
