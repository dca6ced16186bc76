"""Defines an open scan of a user: its nodes, and the state of its segmentation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import slicer

from LungUNetSegLib.io import Scan
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS, Segment
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.background import finish
from LungUNetSegSlicer.scene.colour_maps import remove_coloured
from LungUNetSegSlicer.scene.local_density import DensityNodes
from LungUNetSegSlicer.scene.lung_masks import lung_mask_steps

Status = Literal["open", "waiting", "running", "done", "failed", "cancelled"]


@dataclass(eq=False, kw_only=True)
class OpenScan:
    """A scan in the scene.

    Attributes:
        number: By which the page names it.
        name: For people.
        scan: As it was read; its voxels are those of the node.
        node: The CT.
        facts, patient: What is known about it, and what names the patient.
        status: Of its segmentation.
        message: Why that failed.
        progress: Text of the stage, and the share that is done, if known.
        segmentation, result: If it is segmented.
        reference: File of a mask that came with it: of the sample and the phantom.
        comparison: A `SceneComparison`, if there is one.
        density: The map of local density of its lungs, if it has been made.
    """

    number: int
    name: str
    scan: Scan
    node: Any
    facts: list[tuple[str, str]]
    patient: list[tuple[str, str]]
    reference: Path | None = None
    status: Status = "open"
    message: str = ""
    progress: tuple[str, float | None] = ("", None)
    segmentation: Any = None
    result: Mapping[str, Any] | None = None
    reference_node: Any = None
    comparison: Any = None
    density: DensityNodes | None = None
    _stage: tuple[str, float] = field(default=("", 0.0))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What the labels of its result mean."""
        has_sides = self.result is None or self.result["volumes_ml"]["right"] is not None
        return LUNGS if has_sides else BOTH_LUNGS

    def labels(self) -> Volume:
        """Return the lungs, as they are in the scene now, on the scan's own grid."""
        masks = finish(lung_mask_steps(self.segmentation, self.node))
        return Volume(masks.labels.array, self.scan.volume.geometry)

    def stage_began(self, stage: str) -> float:
        """Return when the present stage of its run began, given that stage."""
        if stage != self._stage[0]:
            self._stage = stage, time.monotonic()
        return self._stage[1]

    def drop_comparison(self) -> None:
        """Remove the comparison and its reference from the scene."""
        if self.comparison is not None:
            self.comparison.remove()
        if self.reference_node is not None:
            slicer.mrmlScene.RemoveNode(self.reference_node)
        self.comparison = self.reference_node = None

    def drop_density(self) -> None:
        """Remove the map of local density from the scene."""
        if self.density is not None:
            remove_coloured(self.density.volume)
            remove_coloured(self.density.model)
        self.density = None

    def close(self) -> None:
        """Remove it from the scene."""
        self.drop_comparison()
        self.drop_density()
        for node in (self.segmentation, self.node):
            if node is not None:
                slicer.mrmlScene.RemoveNode(node)
