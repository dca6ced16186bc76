"""Many scans in a child process: those of a folder, or those of the scene, to a folder of results.

The scene stays as it is. What is done when a batch is cancelled, or Slicer ends, is kept in the folder of results, and
the next batch with the same folders goes on from there.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.batch_child import SCANS
from LungUNetSegSlicer.run.child_process import ChildEnd, ChildProcess
from LungUNetSegSlicer.run.event_loop import Steps, slicer_loop
from LungUNetSegSlicer.run.private_folder import make_folder, remove_folder
from LungUNetSegSlicer.run.scan_file import write_scan
from LungUNetSegSlicer.run.settings import RunSettings, folder_text
from LungUNetSegSlicer.run.worker import Worker

BatchSource = Path | Mapping[str, vtkMRMLScalarVolumeNode]
"""A folder, disc, archive or list of scans; or volumes of the scene, by the names that the results have."""


class BatchRun:
    """Starts at once; ends by calling `on_end` exactly once.

    Args:
        source: What to segment.
        output: Folder of results; that of an earlier batch goes on.
        settings: How to segment.
        on_progress: Called with (stage, done, total).
        on_end: Told how the child ended; of a batch in which a scan failed the state is "failed".
        make_child: Makes the child process.

    Raises:
        OSError: No folder can be made in Slicer's temporary folder.
    """

    def __init__(
        self,
        source: BatchSource,
        output: Path,
        settings: RunSettings,
        on_progress: Progress,
        on_end: Callable[[ChildEnd], None],
        make_child: Callable[[Progress, Callable[[ChildEnd], None]], ChildProcess] | None = None,
    ) -> None:
        self._on_progress, self._on_end = on_progress, on_end
        self._ended = False
        self._loop = slicer_loop()
        self._folder = make_folder(self._loop)
        make_child = make_child or partial(Worker, module="LungUNetSegSlicer.run.batch_child")
        self._child = make_child(on_progress, self._on_child_end)
        self._steps: Steps | None = None
        place = source if isinstance(source, Path) else self._folder / SCANS
        # Before there is a scan in the folder: from now on the child removes it should Slicer end by a crash.
        self._child.start([str(place), "-o", str(output), *settings.batch_arguments()], self._folder)
        if not isinstance(source, Path):
            self._steps = Steps(self._hand_over(source), lambda _: None, self._fail, self._loop)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended

    def cancel(self) -> None:
        """End it; its processes are gone when this returns."""
        if self.running:
            self._end(ChildEnd("cancelled"))

    def _hand_over(self, volumes: Mapping[str, vtkMRMLScalarVolumeNode]) -> Generator[None, None, None]:
        """Write the scene's scans, and then their list, for which the child waits."""
        rows = []
        for number, (name, node) in enumerate(volumes.items()):
            self._on_progress("start", number, len(volumes))
            if not slicer.mrmlScene.IsNodePresent(node):
                continue  # removed while the others were written
            path = self._folder / f"{number:04}.nrrd"
            yield from write_scan(node, path)
            rows.append({"id": name, "path": path.name})
        unfinished = self._folder / "scans.part"
        unfinished.write_text(json.dumps(rows), encoding="utf-8")
        unfinished.rename(self._folder / SCANS)

    def _on_child_end(self, end: ChildEnd) -> None:
        if self.running and end.state != "cancelled":
            self._end(end)

    def _fail(self, error: Exception) -> None:
        message = folder_text(error) if isinstance(error, OSError) else str(error)
        self._end(ChildEnd("failed", message, "".join(traceback.format_exception(error))))
        if not isinstance(error, (LungUNetSegError, OSError)):
            raise error  # a bug of ours: Slicer's log shall have its traceback

    def _end(self, end: ChildEnd) -> None:
        self._ended = True
        if self._steps is not None:
            self._steps.stop()
        self._child.cancel()
        remove_folder(self._folder, self._loop)
        self._on_end(end)
