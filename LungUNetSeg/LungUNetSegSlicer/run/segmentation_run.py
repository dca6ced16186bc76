"""Runs one segmentation in a child process, from a volume node to a segmentation node.

The scene changes once, at the end, when all results are complete. Until then a cancelled, failed or orphaned run
leaves nothing behind: no node, no file, no process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLSegmentationNode, vtkSegment
from slicer.i18n import tr as _

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.progress import Progress
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry
from LungUNetSegSlicer.run.child_process import ChildEnd
from LungUNetSegSlicer.run.child_run import ChildRun
from LungUNetSegSlicer.run.event_loop import EventLoop, Steps
from LungUNetSegSlicer.run.scan_file import write_scan
from LungUNetSegSlicer.run.segmentation_child import (
    DICOM_FILES,
    FIRST_VOXEL,
    LUNGS_BOX,
    NETWORK_MASK,
    RESULT,
    SCAN,
    surface_file,
)
from LungUNetSegSlicer.run.settings import Output, RunSettings
from LungUNetSegSlicer.scene.dicom_files import write_dicom_files
from LungUNetSegSlicer.scene.lung_masks import edit_state, grid_of
from LungUNetSegSlicer.scene.segmentation_node import check_target, label_image, make_segments, show_segments
from LungUNetSegSlicer.scene.surfaces import read_surface
from LungUNetSegSlicer.scene.volume_bridge import surface_to_ras, transform_remarks


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """How a run ended.

    Attributes:
        state: Whether the result is in the scene, the run was cancelled, or it failed.
        message: For the user: why it failed, or where the lungs are if not in the target.
        log: The child's output, or the traceback of a bug in Slicer, if it failed.
        segmentation: The segmentation node, if it succeeded.
        result: What `lungunetseg segment --json` writes, if it succeeded.
        original: The labels as `segmentation.network_mask.to_text` writes them, if it succeeded.
    """

    state: Literal["done", "cancelled", "failed"]
    message: str = ""
    log: str = ""
    segmentation: vtkMRMLSegmentationNode | None = None
    result: Mapping[str, Any] | None = None
    original: str | None = None


class SegmentationRun(ChildRun[RunEnd]):
    """A run, which starts at once and ends by calling `on_end` exactly once.

    Args:
        volume: The CT. The run is cancelled when it, or the scene, goes away.
        target: The segmentation whose lungs are replaced, watched in the same way; None to make a new one. One that
            the user edits meanwhile stays as it is, and a new one is made.
        settings: How to segment.
        on_progress: Called with (stage, done, total).
        on_end: Called with how it ended.
        loop: The event loop; Slicer's own if None.

    Raises:
        OSError: No folder can be made in the temporary folder.
    """

    def __init__(
        self,
        volume: vtkMRMLScalarVolumeNode,
        target: vtkMRMLSegmentationNode | None,
        settings: RunSettings,
        on_progress: Progress,
        on_end: Callable[[RunEnd], None],
        loop: EventLoop | None = None,
    ) -> None:
        super().__init__(on_end, RunEnd(state="cancelled"), loop)
        self._volume, self._target, self._settings = volume, target, settings
        self._target_state = None if target is None else edit_state(target)
        self._on_progress = on_progress
        self._observers = [
            slicer.mrmlScene.AddObserver(vtkMRMLScene.StartCloseEvent, self._on_scene_closes),
            slicer.mrmlScene.AddObserver(vtkMRMLScene.NodeRemovedEvent, self._on_node_removed),
        ]
        self._steps = Steps(self._hand_over(), self._keep_grid, self._fail, self._loop)
        self._child = self._loop.make_child(on_progress, self._on_child_end)
        # Started before the scan is in the folder: from now on the child removes the folder if Slicer crashes.
        self._child.start(settings.arguments(), self._folder)

    def _hand_over(self) -> Generator[None, None, Geometry]:
        """Write the child's input; return the scan's grid."""
        check_target(self._target, self._volume)
        yield from write_dicom_files(self._volume, self._folder / DICOM_FILES)
        unfinished = self._folder / "scan.part"
        geometry = yield from write_scan(self._volume, unfinished)
        unfinished.rename(self._folder / SCAN)
        return geometry

    def _keep_grid(self, geometry: Geometry) -> None:
        self._geometry = geometry

    def _on_child_end(self, end: ChildEnd) -> None:
        if end.state == "done":
            self._steps = Steps(self._load(), self._finish, self._fail, self._loop)
        elif end.state == "failed":
            self._end(RunEnd(state="failed", message=self._readable(end.message), log=self._readable(end.log)))
        # A cancelled child ends during `_end`, which does the rest.

    def _load(self) -> Generator[None, None, tuple[dict[str, vtkSegment], dict[str, Any], str]]:
        """Read the child's output; return (segments, result, labels as text). The scene does not change."""
        self._on_progress("load", 0, 1)
        result = json.loads((self._folder / RESULT).read_text(encoding="utf-8"))
        original = (self._folder / NETWORK_MASK).read_text(encoding="ascii")
        lungs, first = (np.load(self._folder / name, allow_pickle=False) for name in (LUNGS_BOX, FIRST_VOXEL))
        yield
        image = label_image(lungs, first, self._geometry)
        yield
        surfaces = {}
        for label in (1, 2):
            path = self._folder / surface_file(label)
            if path.exists():
                surfaces[label] = surface_to_ras(read_surface(path))
                yield
        segments = LUNGS if self._settings.output is Output.RIGHT_AND_LEFT else BOTH_LUNGS
        made = make_segments(image, segments, surfaces)
        yield
        return made, result, original

    def _finish(self, loaded: Any) -> None:
        segments, result, original = loaded
        is_edited = self._target is not None and edit_state(self._target) != self._target_state
        try:
            if not grid_of(self._volume).matches(self._geometry):
                text = _("The CT {name} was moved or changed meanwhile. Segment it again.")
                raise DataError(text.format(name=self._volume.GetName()))
            node = show_segments(segments, self._volume, None if is_edited else self._target)
        except Exception as error:
            self._fail(error)
            return
        remarks = [asdict(each) for each in transform_remarks(self._volume)]
        result = {**result, "findings": [*remarks, *result["findings"]]}
        message = ""
        if is_edited and self._target is not None:
            text = _("{target} was edited meanwhile: the new lungs are in {name}.")
            message = text.format(target=self._target.GetName(), name=node.GetName())
        self._end(RunEnd(state="done", message=message, segmentation=node, result=result, original=original))

    def _readable(self, message: str) -> str:
        """Replace the temporary file's path in a message by the volume's name."""
        return message.replace(str(self._folder / SCAN), self._volume.GetName() or "")

    def _on_scene_closes(self, *_: object) -> None:
        self.cancel()

    def _on_node_removed(self, *_: object) -> None:
        watched = [self._volume] if self._target is None else [self._volume, self._target]
        if not all(slicer.mrmlScene.IsNodePresent(node) for node in watched):
            self.cancel()

    def _end(self, end: RunEnd) -> None:
        for tag in self._observers:
            slicer.mrmlScene.RemoveObserver(tag)
        super()._end(end)
