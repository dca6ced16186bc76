"""Defines what runs have in common whose child is a `Worker` and which end as it does."""

from __future__ import annotations

from collections.abc import Callable

from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd
from LungUNetSegSlicer.run.child_run import ChildRun
from LungUNetSegSlicer.run.worker import Worker


class WorkerRun(ChildRun[ChildEnd]):
    """A run that ends by calling `on_end` exactly once, with how its child ended. Subclasses start the child.

    Args:
        module: What the child runs, of this package.
        on_progress: Called with (stage, done, total).
        on_end: Called with how the run ended.

    Raises:
        OSError: No folder can be made in Slicer's temporary folder.
    """

    def __init__(self, module: str, on_progress: Progress, on_end: Callable[[ChildEnd], None]) -> None:
        super().__init__(on_end, ChildEnd("cancelled"))
        self._child = Worker(on_progress, self._on_child_end, module)

    def _on_child_end(self, end: ChildEnd) -> None:
        if self.running:
            self._end(end)
