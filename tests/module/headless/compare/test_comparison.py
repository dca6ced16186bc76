"""Compare with a reference, from two nodes to scores, nodes, CSV and report."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from label_map_nodes import add_label_map

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegSlicer.background import finish, in_background
from LungUNetSegSlicer.compare.comparison import compare_nodes, comparison_steps, image_behind
from LungUNetSegSlicer.compare.lung_sides import Side
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node


@pytest.fixture
def ct(scene: Any, small_phantom: Phantom) -> Any:
    """The small phantom's CT."""
    return add_volume_node(small_phantom.ct, "Chest")


@pytest.fixture
def prediction(ct: Any, small_phantom: Phantom) -> Any:
    """The phantom's lungs, one row too far to the back."""
    labels = small_phantom.labels
    return show_labels(Volume(np.roll(labels.array, 1, axis=1), labels.geometry), LUNGS, ct)


@pytest.fixture
def reference(scene: Any, small_phantom: Phantom) -> Any:
    """The phantom's lungs as a label map volume."""
    return add_label_map(small_phantom.labels)


def ids(scene: Any) -> list[str]:
    """Return the IDs of all nodes."""
    return [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]


def test_a_segmentation_against_a_label_map(prediction: Any, reference: Any, ct: Any) -> None:
    """Scores as they must be, the CT found by itself, and all nodes in one folder."""
    result = compare_nodes(prediction, reference)
    assert result.name == "Chest lungs against Reader 1"
    assert result.image_node is ct
    assert 0.8 < result.comparison.whole.dsc < 1
    assert [each.name for each in result.comparison.regions] == ["Right lung", "Left lung", "Lungs"]
    assert [each.code for each in result.findings] == ["prediction-matched", "reference-matched"]
    assert all(picture.image for picture in result.case.pictures)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.GetItemChildWithName(hierarchy.GetSceneItemID(), result.name)
    assert hierarchy.GetNumberOfItemChildren(folder) == 5


def test_a_reference_on_another_grid(prediction: Any, small_phantom: Phantom) -> None:
    """Half as many slices, columns the other way round, and a margin cut off: compared there, and said."""
    labels = small_phantom.labels
    geometry = labels.geometry
    affine = np.array(geometry.affine_lps)
    affine[:3, 0] *= 2
    affine[:3, 3] = geometry.to_lps((0, 0, geometry.shape[2] - 1))
    affine[:3, 2] *= -1
    array = labels.array[::2, :, ::-1]
    other = add_label_map(Volume(array, Geometry(array.shape, affine)))
    result = compare_nodes(prediction, other)
    assert "prediction-resampled" in [each.code for each in result.findings]
    assert 0.8 < result.comparison.whole.dsc < 1
    assert result.comparison.reference.geometry.shape == array.shape


def test_one_binary_lung_map_is_compared_as_both(prediction: Any, small_phantom: Phantom) -> None:
    labels = small_phantom.labels
    result = compare_nodes(prediction, add_label_map(Volume((labels.array > 0).astype(np.uint8), labels.geometry)))
    assert [each.name for each in result.comparison.regions] == ["Lungs"]
    assert result.scores.GetNumberOfColumns() == 2
    assert not np.isin(result.comparison.prediction.array, 2).any()
    low, high = np.empty(6), np.empty(6)
    result.distance.GetRASBounds(low)
    result.differences.GetRASBounds(high)
    np.testing.assert_allclose(low, high, atol=12)  # of both lungs, in slices of 12 mm


def test_sides_by_hand(prediction: Any, reference: Any) -> None:
    """Swapped on purpose: nothing is found where it should be, and that is said."""
    result = compare_nodes(prediction, reference, reference_sides={"1": Side.LEFT, "2": Side.RIGHT})
    assert result.comparison.regions[0].dsc < 0.1
    assert "sides-swapped" in [each.code for each in result.findings]


def test_removed_without_a_trace(scene: Any, prediction: Any, reference: Any) -> None:
    compare_nodes(prediction, reference).remove()  # the colours of distances stay for the next one
    before = ids(scene)
    result = compare_nodes(prediction, reference)
    assert len(ids(scene)) > len(before)
    scene.RemoveNode(result.plot)  # by the user
    result.remove()
    assert set(ids(scene)) == set(before) | {each for each in ids(scene) if each.startswith("vtkMRMLPlotSeries")}


def test_an_error_or_a_stop_leaves_the_scene_as_it_was(
    scene: Any, prediction: Any, reference: Any, small_phantom: Phantom
) -> None:
    far = Geometry.axial(small_phantom.labels.geometry.shape, origin_lps=(5000.0, 0.0, 0.0))
    elsewhere = add_label_map(Volume(small_phantom.labels.array, far))
    before = ids(scene)
    with pytest.raises(GeometryError, match="do not overlap"):
        compare_nodes(prediction, elsewhere)
    steps = comparison_steps(prediction, reference)
    for _ in range(5):
        next(steps)
    steps.close()
    assert ids(scene) == before


def test_a_node_that_goes_away_meanwhile(scene: Any, prediction: Any, reference: Any) -> None:
    steps = comparison_steps(prediction, reference)
    for _ in range(5):
        next(steps)
    scene.RemoveNode(reference)
    with pytest.raises(DataError, match="removed meanwhile"):
        finish(steps)


def test_numbers_and_report_on_paper(prediction: Any, reference: Any, tmp_path: Path) -> None:
    result = compare_nodes(prediction, reference)
    slices = result.write_csv(tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["region"] for row in rows] == ["Right lung", "Left lung", "Lungs"]
    assert float(rows[2]["dsc"]) == pytest.approx(result.comparison.whole.dsc, abs=1e-5)
    assert slices == tmp_path / "scores-slices.csv" and slices.exists()
    result.write_report(tmp_path / "report.html", model="lungs 1.0")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Reader 1" in page and "lungs 1.0" in page and page.count("<image") > 6


def test_the_ct_behind_a_segmentation(prediction: Any, reference: Any, ct: Any) -> None:
    assert image_behind(reference, prediction) is ct
    assert image_behind(reference) is None


def test_work_in_the_background_raises_what_it_raised() -> None:
    def fail() -> None:
        raise DataError("Nothing to compare.")

    with pytest.raises(DataError, match="Nothing to compare"):
        finish(in_background(fail))
