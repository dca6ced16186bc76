"""What the user chooses in the panel, and what it means for the library's command line."""

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


class Output(enum.Enum):
    """The segments to make."""

    RIGHT_AND_LEFT = "lr"
    BOTH_AS_ONE = "binary"

    def label(self) -> str:
        """Return the name that the panel shows."""
        return _("Right and left lung") if self is Output.RIGHT_AND_LEFT else _("Both lungs as one")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How to segment.

    Attributes:
        model: Name of a shipped model, or path of a model's file.
        device: Where to compute.
        output: Which segments to make.
        show3d: Also make surfaces for the 3D views.
    """

    model: str
    device: Device = Device.AUTO
    output: Output = Output.RIGHT_AND_LEFT
    show3d: bool = True

    @property
    def needs_torch(self) -> bool:
        """Whether nothing but PyTorch can do it."""
        from LungUNetSegLib.inference.model import CHECKPOINT_SUFFIXES  # not before the first click

        return self.device is Device.GPU or Path(self.model).suffix in CHECKPOINT_SUFFIXES

    def arguments(self) -> list[str]:
        """Return the options of `LungUNetSegSlicer.child`."""
        arguments = ["--model", self.model, "--device", self._library_device(), "--labels", self.output.value]
        return [*arguments, "--surfaces"] if self.show3d else arguments

    def _library_device(self) -> str:
        if self.device is Device.GPU:
            return "mps" if sys.platform == "darwin" else "cuda"
        return self.device.value
