"""`LungLogic.segment`: from a volume node to a segmentation node, with no GUI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from LungUNetSegLib.errors import LungUNetSegError, ModelError, ReadError
from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segmentation.segmenter import segment
from LungUNetSegLib.segments import LUNGS
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node


@pytest.fixture
def logic(core: Any) -> Any:
    """The module's logic."""
    from LungUNetSegSlicer.logic import LungLogic

    return LungLogic()


@pytest.fixture
def ct(scene: Any, small_phantom: Phantom) -> Any:
    """The small phantom's CT as a volume node."""
    return add_volume_node(small_phantom.ct, "Chest")


def test_the_node_holds_what_the_library_finds(logic: Any, ct: Any, small_phantom: Phantom, tiny_model: Path) -> None:
    """The scene adds nothing and loses nothing: the same labels as from the library alone."""
    expected = segment(small_phantom.ct, load_model(tiny_model)).labels.array
    node, result = logic.segment(ct, model=str(tiny_model))
    np.testing.assert_array_equal(result.labels.array, expected)
    for lung in LUNGS:
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, lung.segment_id, ct) > 0
        np.testing.assert_array_equal(mask, expected == lung.label)


def test_both_lungs_as_one_segment(logic: Any, ct: Any, tiny_model: Path) -> None:
    node, _ = logic.segment(ct, model=str(tiny_model), labels="binary")
    segmentation = node.GetSegmentation()
    assert (segmentation.GetNumberOfSegments(), segmentation.GetNthSegmentID(0)) == (1, "Lungs")


def test_a_given_node_is_filled_and_progress_is_told(logic: Any, ct: Any, scene: Any, tiny_model: Path) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    told: list[tuple[str, int, int]] = []
    result_node, _ = logic.segment(ct, node, model=str(tiny_model), progress=lambda *step: told.append(step))
    assert result_node is node
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    assert ("segment", 24, 24) in told


def test_remarks_on_the_node_come_with_the_result(logic: Any, ct: Any, scene: Any, tiny_model: Path) -> None:
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    ct.SetAndObserveTransformNodeID(transform.GetID())
    _, result = logic.segment(ct, model=str(tiny_model))
    assert "under-transform" in [each.code for each in result.findings]


@pytest.mark.parametrize("wrong", ["model", "volume", "progress"])
def test_a_failure_leaves_the_scene_as_it_was(logic: Any, ct: Any, scene: Any, tiny_model: Path, wrong: str) -> None:
    """Also an exception from the progress callback, which is how a caller cancels."""

    def cancel(stage: str, done: int, total: int) -> None:
        if wrong == "progress":
            raise LungUNetSegError("cancelled")

    expected = {"model": ModelError, "volume": ReadError, "progress": LungUNetSegError}[wrong]
    before = scene.GetNumberOfNodes()
    with pytest.raises(expected):
        logic.segment(
            None if wrong == "volume" else ct, model="absent" if wrong == "model" else str(tiny_model), progress=cancel
        )
    assert scene.GetNumberOfNodes() == before


@pytest.mark.shared_data
def test_the_sample_from_dicom_reaches_its_score(logic: Any, scene: Any, shared_data: Path) -> None:
    """The shipped model on the scan that it never learnt from: DSC of at least 0.98 for each lung, as a Slicer node."""
    case = shared_data / "volumes" / "LIDC-IDRI-0001"
    ct = add_volume_node(read_scan(case / "ct").volume, "LIDC-IDRI-0001")
    node, _ = logic.segment(ct)
    reference = read_labels(case / "lungs.nii.gz").array
    for lung in LUNGS:
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, lung.segment_id, ct) > 0
        assert count(mask, reference == lung.label).dsc >= 0.98, lung.name
