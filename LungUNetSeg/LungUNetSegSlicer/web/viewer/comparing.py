"""Compares a scan's lungs with a reference, in steps, so that the views stay usable."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer

from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.segments import BOTH_LUNGS, LEFT_LUNG, LUNGS
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.compare.comparison import SceneComparison, comparison_steps
from LungUNetSegSlicer.run.asyncio_loop import AsyncioLoop
from LungUNetSegSlicer.run.event_loop import Steps
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.web.viewer.scans import OpenScan

PLACE = "compare"


class Comparing:
    """Compares one scan at a time.

    Args:
        loop: Runs between the steps.
        changed: Called when something changed.
        fail: Called with the place on the page and the error.
    """

    def __init__(self, loop: AsyncioLoop, changed: Callable[[], None], fail: Callable[[str, Exception], None]) -> None:
        self._loop, self._changed, self._fail = loop, changed, fail
        self._steps: Steps | None = None
        self._scan: OpenScan | None = None

    @property
    def busy(self) -> dict[str, str]:
        """What is said, and at which place of the page, while a comparison is being made."""
        return {PLACE: "Comparing"} if self._scan is not None else {}

    def start(self, scan: OpenScan, path: Path, name: str) -> None:
        """Compare a scan's lungs with a mask file; an earlier comparison is replaced."""
        if self._scan is not None:
            return
        scan.drop_comparison()
        self._scan = scan
        self._steps = Steps(self._compare(scan, path, name), self._finish, self._give_up, self._loop)
        self._changed()

    def forget(self, scan: OpenScan) -> None:
        """Give up or remove the comparison of a scan that is closed, or whose lungs are others now."""
        if scan is self._scan and self._steps is not None:
            self._steps.stop()
            self._scan = None
        scan.drop_comparison()

    def _compare(self, scan: OpenScan, path: Path, name: str) -> Generator[None, None, SceneComparison]:
        mask = yield from in_background(lambda: read_mask_of(path, scan.scan))
        segments = LUNGS if int(mask.labels.array.max(initial=0)) >= LEFT_LUNG else BOTH_LUNGS
        yield
        scan.reference_node = show_labels(mask.labels, segments, scan.node)
        scan.reference_node.SetName(name)
        scan.reference_node.GetDisplayNode().SetVisibility(False)
        yield
        found = yield from comparison_steps(scan.segmentation, scan.reference_node, scan.node)
        for node in (found.differences, found.distance):
            node.GetDisplayNode().SetVisibility(False)
        return replace(found, findings=mask.findings + found.findings)

    def _finish(self, found: Any) -> None:
        scan, self._scan = self._scan, None
        if scan is not None and slicer.mrmlScene.IsNodePresent(scan.node):
            scan.comparison = found
        self._changed()

    def _give_up(self, error: Exception) -> None:
        scan, self._scan = self._scan, None
        if scan is not None:
            scan.drop_comparison()
        self._fail(PLACE, error)
