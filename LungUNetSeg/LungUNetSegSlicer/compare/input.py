"""Reads a prediction and a reference from the scene, and the CT behind them, as label maps and image in the world."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from slicer import vtkMRMLScalarVolumeNode

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.compare.lung_sides import Side, Sides, Source, lung_label_steps, match_sides
from LungUNetSegSlicer.compare.sources import open_source, placed_in_world
from LungUNetSegSlicer.scene.volume_bridge import volume_steps


@dataclass(frozen=True, eq=False, kw_only=True)
class ComparisonInput:
    """The two label maps to compare.

    Attributes:
        prediction: uint8 labels in the world's LPS mm: 1 right, 2 left; or 1 for both.
        reference: Likewise.
        has_sides: Whether right and left are known in both.
        findings: Which structures were taken for which lung.
    """

    prediction: Volume
    reference: Volume
    has_sides: bool
    findings: tuple[Finding, ...]


def read_pair(
    prediction_node: Any,
    reference_node: Any,
    prediction_sides: Sides | None = None,
    reference_sides: Sides | None = None,
) -> Generator[None, None, ComparisonInput]:
    """Read a prediction and a reference, each a segmentation or a label map volume, in steps.

    Args:
        prediction_node: The node to score.
        reference_node: The node to score it against.
        prediction_sides: What each of its structures counts as; found by terminology, name or overlap without it.
        reference_sides: Likewise.

    Raises:
        DataError: No node, no label map, nothing in it, or no lung among its structures.
        GeometryError: A node is under a transform that is not rigid, or the two do not overlap in space.
    """
    if prediction_node is not None and prediction_node is reference_node:
        raise DataError("Prediction and reference are the same. Choose two different ones.")
    sources = open_source(prediction_node, "prediction"), open_source(reference_node, "reference")
    yield
    sides = match_sides(*sources, prediction_sides, reference_sides)
    yield
    prediction = yield from lung_label_steps(sources[0], sides[0])
    reference = yield from lung_label_steps(sources[1], sides[1])
    return ComparisonInput(
        prediction=prediction,
        reference=reference,
        has_sides=not any(Side.BOTH in each.values() for each in sides),
        findings=tuple(_matched(*each) for each in zip(sources, sides, strict=True)),
    )


def image_in_world(node: vtkMRMLScalarVolumeNode) -> Generator[None, None, Volume]:
    """Return a CT with its parent transform applied, as the scene shows it, in steps.

    Raises:
        LungUNetSegError: As `volume_from_node`; or it is under a transform that is not rigid.
    """
    volume, _ = yield from volume_steps(node)
    return Volume(volume.array, placed_in_world(volume.geometry, node, "CT"))


_SIDE_TEXTS = {Side.RIGHT: "the right lung is", Side.LEFT: "the left lung is", Side.BOTH: "both lungs are"}


def _matched(source: Source, sides: Sides) -> Finding:
    names = {each.key: each.name for each in source.structures}
    parts = (
        f"{_SIDE_TEXTS[side]} {' and '.join(repr(names[key]) for key, each in sides.items() if each is side)}"
        for side in Side
        if side in sides.values()
    )
    return Finding(f"{source.role}-matched", f"In the {source.role} {source.name!r} {', '.join(parts)}.")
