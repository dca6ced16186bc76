"""Compares a prediction with a reference in the scene: a table of scores, a plot of DSC by slice, coloured differences.

Scripts call `compare_nodes`, which does everything at once; the panel runs `comparison_steps` one by one, so that
Slicer stays responsive. The parts have files of their own: `sources` (what is in a node), `lung_sides` (which segment
is which lung), `input` (the pair as label maps), `tables`, `display` (colours and surfaces), `slices` (which slice to
show), `layout` (the views) and `own_layout` (the user's layout, before and after).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer import (
    vtkMRMLModelNode,
    vtkMRMLPlotChartNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSubjectHierarchyNode,
    vtkMRMLTableNode,
)

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.evaluation.compare import Comparison, compare
from LungUNetSegLib.evaluation.evaluate import EvaluatedCase, describe_comparison
from LungUNetSegLib.evaluation.report.report import about, write_report
from LungUNetSegLib.evaluation.report.tables import write_cases_csv, write_slices_csv
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.segments import LabelKind
from LungUNetSegSlicer.background import finish, in_background
from LungUNetSegSlicer.compare.display import (
    add_differences,
    add_distance_model,
    difference_labels,
    distance_surface,
)
from LungUNetSegSlicer.compare.input import image_in_world, read_pair
from LungUNetSegSlicer.compare.lung_sides import Sides
from LungUNetSegSlicer.compare.tables import (
    add_doubt_marks,
    add_scores_table,
    add_slices_plot,
    add_slices_table,
    plot_nodes,
)
from LungUNetSegSlicer.scene.kept_result import recall


@dataclass(frozen=True, eq=False, kw_only=True)
class SceneComparison:
    """A comparison and its nodes.

    Attributes:
        name: For people.
        prediction_node, reference_node: The nodes that were compared.
        image_node: The CT, if it is known.
        comparison: Label maps and scores; `Comparison.findings` are about the label maps.
        case: What a report shows.
        findings: What was taken for which lung, and what `compare` found.
        scores, slices: Tables.
        plot: DSC by slice.
        differences: Segmentation of true positives, false positives and false negatives.
        distance: The prediction's surface with its distance to the reference's.
        folder: Item in the subject hierarchy that holds the nodes.
    """

    name: str
    prediction_node: Any
    reference_node: Any
    image_node: vtkMRMLScalarVolumeNode | None
    comparison: Comparison
    case: EvaluatedCase
    findings: tuple[Finding, ...]
    scores: vtkMRMLTableNode
    slices: vtkMRMLTableNode
    plot: vtkMRMLPlotChartNode
    differences: vtkMRMLSegmentationNode
    distance: vtkMRMLModelNode
    folder: int

    @property
    def nodes(self) -> Sequence[Any]:
        """The nodes that were added to the scene."""
        return [self.scores, self.slices, *plot_nodes(self.plot), self.differences, self.distance]

    def remove(self) -> None:
        """Remove its nodes from the scene; nodes that were already removed are ignored."""
        for node in self.nodes:
            if node is not None and slicer.mrmlScene.IsNodePresent(node):
                slicer.mrmlScene.RemoveNode(node)
        vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene).RemoveItem(self.folder)

    def write_csv(self, path: Path) -> Path:
        """Write the scores, and beside them those of each slice; return the path of the latter.

        Raises:
            WriteError: A file cannot be written.
        """
        slices = path.with_name(f"{path.stem}-slices{path.suffix}")
        write_cases_csv(path, [self.case])
        write_slices_csv(slices, [self.case])
        return slices

    def write_report(self, path: Path, model: str | None = None) -> None:
        """Write the report as one HTML page.

        Args:
            path: Of the file.
            model: What made the prediction, where it is known.

        Raises:
            WriteError: The file cannot be written.
        """
        facts = {"Prediction": self.prediction_node.GetName(), "Reference": self.reference_node.GetName()}
        if model:
            facts["Model"] = model
        write_report(path, [self.case], about(**facts, Slicer=slicer_version()))


def compare_nodes(
    prediction_node: Any,
    reference_node: Any,
    image_node: vtkMRMLScalarVolumeNode | None = None,
    prediction_sides: Sides | None = None,
    reference_sides: Sides | None = None,
) -> SceneComparison:
    """Compare a prediction with a reference, and add tables, plot, differences and distances to the scene.

    Args:
        prediction_node: A segmentation or a label map volume.
        reference_node: Likewise, on any grid.
        image_node: The CT, for the report's pictures; the one that the segmentations were drawn on without it.
        prediction_sides: What each segment counts as; found by terminology, name or overlap without it.
        reference_sides: Likewise.

    Raises:
        LungUNetSegError: They cannot be compared; the message says why.
    """
    return finish(comparison_steps(prediction_node, reference_node, image_node, prediction_sides, reference_sides))


def comparison_steps(
    prediction_node: Any,
    reference_node: Any,
    image_node: vtkMRMLScalarVolumeNode | None = None,
    prediction_sides: Sides | None = None,
    reference_sides: Sides | None = None,
) -> Generator[None, None, SceneComparison]:
    """Do what `compare_nodes` does in steps. The scene changes only at the end, when nothing can fail any more."""
    nodes = (prediction_node, reference_node)
    pair = yield from read_pair(*nodes, prediction_sides, reference_sides)
    yield
    image_node = image_node or image_behind(*nodes)
    image = (yield from image_in_world(image_node)) if image_node else None
    labels: LabelKind = "lr" if pair.has_sides else "binary"
    comparison = yield from in_background(lambda: compare(pair.prediction, pair.reference, labels))
    name = f"{prediction_node.GetName()} against {reference_node.GetName()}"
    case = yield from in_background(lambda: describe_comparison(prediction_node.GetName(), comparison, image))
    differing = yield from in_background(lambda: difference_labels(comparison))
    surface = yield from distance_surface(comparison)
    if not all(slicer.mrmlScene.IsNodePresent(node) for node in nodes):
        raise DataError("The prediction or the reference was removed meanwhile. Choose two segmentations again.")
    scores = add_scores_table(comparison, f"Scores, {name}")
    slices = add_slices_table(comparison, f"DSC by slice, {name}")
    plot = add_slices_plot(slices, "DSC by slice")
    add_doubt_marks(plot, slices, (recall(prediction_node) or {}).get("doubtful_slices", ()))
    differences = add_differences(differing, f"Differences, {name}")
    distance = add_distance_model(surface, f"Surface distance, {name}")
    return SceneComparison(
        name=name,
        prediction_node=prediction_node,
        reference_node=reference_node,
        image_node=image_node,
        comparison=comparison,
        case=case,
        findings=pair.findings + comparison.findings,
        scores=scores,
        slices=slices,
        plot=plot,
        differences=differences,
        distance=distance,
        folder=_gather(name, [scores, slices, plot, differences, distance]),
    )


def image_behind(*nodes: Any) -> vtkMRMLScalarVolumeNode | None:
    """Return the CT that the first of these segmentations was drawn on, if it is in the scene."""
    role = vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    for node in nodes:
        image = node.GetNodeReference(role) if node.IsA("vtkMRMLSegmentationNode") else None
        if image is not None and image.GetClassName() == "vtkMRMLScalarVolumeNode":
            return image
    return None


def slicer_version() -> str:
    """Return the version of Slicer, or of Slicer's core on a server."""
    app = getattr(slicer, "app", None)
    version = getattr(app, "applicationVersion", None)
    return version if isinstance(version, str) and version else "core"


def _gather(name: str, nodes: Sequence[Any]) -> int:
    """Put nodes into a new folder of the subject hierarchy; return its item."""
    hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder: int = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node)
        hierarchy.SetItemParent(item, folder)
    return folder
