"""Segments many scans in a child process: those of a folder, or those of the scene, into a folder of results.

The scene stays as it is. What is done when a batch is cancelled, or Slicer ends, is kept in the folder of results, and
the next batch with the same folders goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode

from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.batch_child import SCANS
from LungUNetSegSlicer.run.child_process import ChildEnd
from LungUNetSegSlicer.run.event_loop import Steps
from LungUNetSegSlicer.run.scan_file import write_scan
from LungUNetSegSlicer.run.settings import RunSettings
from LungUNetSegSlicer.run.worker_run import WorkerRun

BatchSource = Path | Mapping[str, vtkMRMLScalarVolumeNode]
"""A folder, disc, archive or list of scans; or volumes of the scene, by the names that the results have."""


class BatchRun(WorkerRun):
    """A batch, which starts at once and ends by calling `on_end` exactly once.

    Args:
        source: What to segment.
        output: Folder of results; an earlier batch in it is continued.
        settings: How to segment.
        on_progress: Called with (stage, done, total).
        on_end: Called with how the child ended; the state is "failed" if a scan failed.

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
    ) -> None:
        super().__init__("LungUNetSegSlicer.run.batch_child", on_progress, on_end)
        self._on_progress = on_progress
        place = source if isinstance(source, Path) else self._folder / SCANS
        # Started before a scan is in the folder: from now on the child removes the folder if Slicer crashes.
        self._child.start([str(place), "-o", str(output), *settings.batch_arguments()], self._folder)
        if self.running and not isinstance(source, Path):
            self._steps = Steps(self._hand_over(source), lambda _: None, self._fail, self._loop)

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
