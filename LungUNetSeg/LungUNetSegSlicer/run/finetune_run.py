"""A fine-tuning in a child process; what is cancelled goes on from its last finished epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from LungUNetSegLib.machine import data_folder
from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd, ChildProcess
from LungUNetSegSlicer.run.event_loop import slicer_loop
from LungUNetSegSlicer.run.private_folder import make_folder, remove_folder
from LungUNetSegSlicer.run.worker import Worker


@dataclass(frozen=True, kw_only=True)
class FinetuneSettings:
    """What to fine-tune.

    Attributes:
        data: Folder of corrected cases.
        name: What the new model is called.
        model: The model to begin with.
        device: The library's name of where to compute.
        memory_mb: The most memory that it may take; 0 for no limit.
    """

    data: Path
    name: str
    model: str
    device: str = "auto"
    memory_mb: int = 0

    @property
    def out(self) -> Path:
        """Where checkpoints are kept, by which a cancelled fine-tuning goes on."""
        return data_folder() / "trainings" / self.name

    def arguments(self) -> list[str]:
        """Return the options of `lungunetseg finetune`."""
        places = ["--data", str(self.data), "--out", str(self.out), "--name", self.name, "--model", self.model]
        memory = ["--memory", str(self.memory_mb)] if self.memory_mb else []
        return [*places, "--device", self.device, "--resume", *memory]


class FinetuneRun:
    """Starts at once; ends by calling `on_end` exactly once.

    Args:
        settings: What to fine-tune.
        on_progress: Called with (stage, done, total).
        on_end: Told how the child ended.
        make_child: Makes the child process.

    Raises:
        OSError: No folder can be made in Slicer's temporary folder.
    """

    def __init__(
        self,
        settings: FinetuneSettings,
        on_progress: Progress,
        on_end: Callable[[ChildEnd], None],
        make_child: Callable[[Progress, Callable[[ChildEnd], None]], ChildProcess] | None = None,
    ) -> None:
        self._on_end = on_end
        self._ended = False
        self._loop = slicer_loop()
        self._folder = make_folder(self._loop)
        make_child = make_child or partial(Worker, module="LungUNetSegSlicer.run.finetune_child")
        self._child = make_child(on_progress, self._end)
        self._child.start(settings.arguments(), self._folder)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended

    def cancel(self) -> None:
        """End it; its processes are gone when this returns."""
        if self.running:
            self._child.cancel()

    def _end(self, end: ChildEnd) -> None:
        self._ended = True
        remove_folder(self._folder, self._loop)
        self._on_end(end)
