"""Runs a fine-tuning in a child process; a cancelled one can be continued from its last finished epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.machine import data_folder
from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd
from LungUNetSegSlicer.run.worker_run import WorkerRun


@dataclass(frozen=True, kw_only=True)
class FinetuneSettings:
    """What to fine-tune.

    Attributes:
        data: Folder of corrected cases.
        name: What the new model is called.
        model: The model to begin with.
        device: Where to compute, by the library's name.
        memory_mb: The most memory that it may take; 0 for no limit.
    """

    data: Path
    name: str
    model: str
    device: str = "auto"
    memory_mb: int = 0

    @property
    def out(self) -> Path:
        """Folder of the checkpoints from which a cancelled fine-tuning continues."""
        return data_folder() / "trainings" / self.name

    def arguments(self) -> list[str]:
        """Return the options of `lungunetseg finetune`."""
        places = ["--data", str(self.data), "--out", str(self.out), "--name", self.name, "--model", self.model]
        memory = ["--memory", str(self.memory_mb)] if self.memory_mb else []
        return [*places, "--device", self.device, "--resume", *memory]


class FinetuneRun(WorkerRun):
    """A fine-tuning, which starts at once and ends by calling `on_end` exactly once.

    Args:
        settings: What to fine-tune.
        on_progress: Called with (stage, done, total).
        on_end: Called with how the child ended.

    Raises:
        OSError: No folder can be made in Slicer's temporary folder.
    """

    def __init__(self, settings: FinetuneSettings, on_progress: Progress, on_end: Callable[[ChildEnd], None]) -> None:
        super().__init__("LungUNetSegSlicer.run.finetune_child", on_progress, on_end)
        self._child.start(settings.arguments(), self._folder)
