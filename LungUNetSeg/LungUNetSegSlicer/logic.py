"""Segments in a scene without a GUI; Slicer's module, scripts and servers call it.

Loading this file needs a scene but none of the application's base classes, and imports neither torch nor an engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

from LungUNetSegLib.progress import Progress, silent

if TYPE_CHECKING:
    from LungUNetSegLib.engines import DeviceName, EngineName
    from LungUNetSegLib.segmentation.result import Segmentation
    from LungUNetSegLib.segments import LabelKind
    from LungUNetSegSlicer.run.batch_run import BatchRun, BatchSource
    from LungUNetSegSlicer.run.child_process import ChildEnd
    from LungUNetSegSlicer.run.event_loop import EventLoop
    from LungUNetSegSlicer.run.finetune_run import FinetuneRun, FinetuneSettings
    from LungUNetSegSlicer.run.segmentation_run import RunEnd, SegmentationRun
    from LungUNetSegSlicer.run.settings import RunSettings


class LungLogic:
    """Segments the lungs of a volume node, in this process or in a child process."""

    def segment(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode | None = None,
        *,
        model: str = "lungs",
        engine: EngineName = "auto",
        device: DeviceName = "auto",
        labels: LabelKind = "lr",
        show3d: bool = False,
        progress: Progress = silent,
    ) -> tuple[vtkMRMLSegmentationNode, Segmentation]:
        """Segment the lungs of a CT in this process; the scene changes only at the end.

        Args:
            volumeNode: The CT in HU, with any orientation and spacing.
            segmentationNode: Its lungs are replaced; a new node is made without it.
            model: Name of a shipped model, or path of a model's folder, manifest or checkpoint.
            engine: ``auto``, ``onnxruntime``, ``openvino`` or ``torch``.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            labels: ``lr`` for the right and the left lung, ``binary`` for both in one segment.
            show3d: Also make surfaces for the 3D views.
            progress: Called with (stage, done, total).

        Returns:
            The segmentation node and what was measured: volumes in ml, mean HU, findings, quality, times.

        Raises:
            LungUNetSegError: The volume, the model or the engine cannot be used; the message says what to do.
        """
        # Imported here, so that Slicer starts without them.
        from LungUNetSegLib.segmentation.segmenter import segment
        from LungUNetSegSlicer.scene.segmentation_node import show_labels
        from LungUNetSegSlicer.scene.volume_bridge import volume_from_node

        volume, remarks = volume_from_node(volumeNode)
        result = segment(volume, model, engine=engine, device=device, labels=labels, progress=progress)
        result = replace(result, findings=remarks + result.findings)
        node = show_labels(result.labels, result.segments, volumeNode, segmentationNode, show3d=show3d)
        return node, result

    def startSegmentation(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode | None,
        settings: RunSettings,
        onProgress: Progress,
        onEnd: Callable[[RunEnd], None],
        loop: EventLoop | None = None,
    ) -> SegmentationRun:
        """Segment in a child process while Slicer stays usable, as the panel does.

        Args:
            volumeNode: The CT.
            segmentationNode: Its lungs are replaced at the end; a new node is made without it.
            settings: How to segment.
            onProgress: Called with (stage, done, total).
            onEnd: Called once, when it is done, cancelled or failed.
            loop: The event loop that waits for the child; Slicer's own, Qt's, without it.

        Returns:
            The run, which can be cancelled.

        Raises:
            OSError: The temporary folder cannot be used.
        """
        from LungUNetSegSlicer.run.segmentation_run import SegmentationRun

        return SegmentationRun(volumeNode, segmentationNode, settings, onProgress, onEnd, loop=loop)

    def startBatch(
        self,
        source: BatchSource,
        output: Path,
        settings: RunSettings,
        onProgress: Progress,
        onEnd: Callable[[ChildEnd], None],
    ) -> BatchRun:
        """Segment many scans in a child process, as `lungunetseg batch` does; the scene stays as it is.

        Args:
            source: A folder of anything, or volumes of the scene by the names that the results have.
            output: Folder of results.
            settings: How to segment.
            onProgress: Called with (stage, done, total).
            onEnd: Called once, when it is done, cancelled or failed.

        Raises:
            OSError: Slicer's temporary folder cannot be used.
        """
        from LungUNetSegSlicer.run.batch_run import BatchRun

        return BatchRun(source, output, settings, onProgress, onEnd)

    def startFinetuning(
        self, settings: FinetuneSettings, onProgress: Progress, onEnd: Callable[[ChildEnd], None]
    ) -> FinetuneRun:
        """Train a model further in a child process, as `lungunetseg finetune` does.

        Args:
            settings: What to fine-tune.
            onProgress: Called with (stage, done, total).
            onEnd: Called once, when it is done, cancelled or failed.

        Raises:
            OSError: Slicer's temporary folder cannot be used.
        """
        from LungUNetSegSlicer.run.finetune_run import FinetuneRun

        return FinetuneRun(settings, onProgress, onEnd)
