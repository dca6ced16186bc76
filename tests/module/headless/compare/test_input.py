"""Predictions and references out of the scene, as label maps with right and left told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from label_map_nodes import add_label_map

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegSlicer.background import finish
from LungUNetSegSlicer.compare import input as comparison_input
from LungUNetSegSlicer.compare.input import ComparisonInput, image_in_world
from LungUNetSegSlicer.compare.lung_sides import Side
from LungUNetSegSlicer.compare.sources import open_source
from LungUNetSegSlicer.scene.segmentation_node import CLOSED_SURFACE, show_labels
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node


def read_pair(*arguments: Any, **sides: Any) -> ComparisonInput:
    """Read a pair in one go."""
    return finish(comparison_input.read_pair(*arguments, **sides))


def add_transform(node: Any, matrix: np.ndarray) -> None:
    """Put a node under a linear transform of RAS."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.fixture
def prediction(scene: Any, small_phantom: Phantom) -> Any:
    """The phantom's lungs as our own segmentation."""
    return show_labels(small_phantom.labels, LUNGS, add_volume_node(small_phantom.ct, "Chest"))


def test_a_segmentation_comes_on_the_whole_grid_of_its_scan(prediction: Any, small_phantom: Phantom) -> None:
    """Segments are cut to their extent in the scene; what lies beyond is background that was segmented too."""
    pair = read_pair(prediction, add_label_map(small_phantom.labels))
    assert pair.has_sides
    for labels in (pair.prediction, pair.reference):
        assert labels.geometry.matches(small_phantom.labels.geometry)
        np.testing.assert_array_equal(labels.array, small_phantom.labels.array)
    assert [each.code for each in pair.findings] == ["prediction-matched", "reference-matched"]
    assert "the right lung is 'label 1', the left lung is 'label 2'" in pair.findings[1].message


def test_oblique_and_flipped_grids(scene: Any, oblique_phantom: Phantom) -> None:
    node = show_labels(oblique_phantom.labels, LUNGS, add_volume_node(oblique_phantom.ct, "Chest"))
    pair = read_pair(node, add_label_map(oblique_phantom.labels))
    assert pair.prediction.geometry.matches(pair.reference.geometry)
    np.testing.assert_array_equal(pair.prediction.array, pair.reference.array)


def test_other_labels_are_matched_by_where_they_lie(prediction: Any, small_phantom: Phantom) -> None:
    """As LUNA16 has it: 3 the left lung, 4 the right one, 5 the trachea."""
    labels = small_phantom.labels.array
    other = np.where(labels == 1, 4, np.where(labels == 2, 3, 0)).astype(np.int16)
    other[0] = 5
    pair = read_pair(prediction, add_label_map(Volume(other, small_phantom.labels.geometry)))
    np.testing.assert_array_equal(pair.reference.array[1:], labels[1:])
    assert not pair.reference.array[0].any()


def test_by_hand(prediction: Any, small_phantom: Phantom) -> None:
    reference = add_label_map(small_phantom.labels)
    swapped = read_pair(prediction, reference, reference_sides={"1": Side.LEFT, "2": Side.RIGHT}).reference.array
    np.testing.assert_array_equal(swapped == 2, small_phantom.labels.array == 1)
    both = read_pair(prediction, reference, reference_sides={"1": Side.BOTH, "2": Side.BOTH})
    assert not both.has_sides
    np.testing.assert_array_equal(both.reference.array > 0, small_phantom.labels.array > 0)


def test_a_segmentation_of_surfaces_only_is_left_as_it_is(prediction: Any, small_phantom: Phantom) -> None:
    """Contours of a treatment planning system have no label maps: they are made from the surfaces, on a copy."""
    surfaces = show_labels(small_phantom.labels, LUNGS, slicer.util.getNode("Chest"), show3d=True)
    segmentation = surfaces.GetSegmentation()
    segmentation.SetSourceRepresentationName(CLOSED_SURFACE)
    segmentation.RemoveRepresentation("Binary labelmap")
    pair = read_pair(prediction, surfaces)
    assert not segmentation.ContainsRepresentation("Binary labelmap")
    both = np.count_nonzero((pair.prediction.array > 0) == (pair.reference.array > 0))
    assert both > 0.98 * pair.prediction.array.size


def test_transforms_are_applied(prediction: Any, small_phantom: Phantom) -> None:
    """Both are compared where they are seen."""
    move = np.eye(4)
    move[:3, 3] = (10, 20, 30)
    add_transform(prediction, move)
    geometry = read_pair(prediction, add_label_map(small_phantom.labels)).prediction.geometry
    expected = small_phantom.labels.geometry.affine_lps[:3, 3] + (-10, -20, 30)
    np.testing.assert_allclose(geometry.affine_lps[:3, 3], expected, atol=1e-4)
    ct = slicer.util.getNode("Chest")
    ct.SetAndObserveTransformNodeID(prediction.GetTransformNodeID())
    assert finish(image_in_world(ct)).geometry.matches(geometry)


def test_a_transform_that_shears_is_refused(prediction: Any, small_phantom: Phantom) -> None:
    shear = np.eye(4)
    shear[0, 1] = 0.3
    add_transform(prediction, shear)
    with pytest.raises(GeometryError, match=r"prediction 'Chest lungs' is bent or sheared.*Harden"):
        read_pair(prediction, add_label_map(small_phantom.labels))


def test_no_node_the_same_node_or_a_scan(prediction: Any) -> None:
    with pytest.raises(DataError, match="No reference is selected"):
        read_pair(prediction, None)
    with pytest.raises(DataError, match="are the same"):
        read_pair(prediction, prediction)
    with pytest.raises(DataError, match=r"reference 'Chest' is a volume of intensities, not a segmentation"):
        read_pair(prediction, slicer.util.getNode("Chest"))


def test_nothing_in_it(prediction: Any, small_phantom: Phantom) -> None:
    empty = Volume(np.zeros_like(small_phantom.labels.array), small_phantom.labels.geometry)
    with pytest.raises(DataError, match=r"reference 'Reader 1' is empty"):
        read_pair(prediction, add_label_map(empty))
    with pytest.raises(DataError, match=r"'New' has no segments"):
        read_pair(prediction, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "New"))
    with pytest.raises(DataError, match=r"'Hollow' has no voxels"):
        open_source(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Hollow"), "reference")


def test_an_empty_segment_leaves_its_lung_out(prediction: Any, small_phantom: Phantom) -> None:
    """One lung without voxels is a result; the comparison says so."""
    labels = np.where(small_phantom.labels.array == 2, 0, small_phantom.labels.array)
    ct = slicer.util.getNode("Chest")
    one = show_labels(Volume(labels.astype(np.uint8), small_phantom.labels.geometry), LUNGS, ct)
    np.testing.assert_array_equal(read_pair(prediction, one).reference.array, labels)


def test_an_image_as_a_label_map(prediction: Any, small_phantom: Phantom) -> None:
    image = Volume(small_phantom.ct.array.astype(np.float32) + 0.5, small_phantom.ct.geometry)
    with pytest.raises(DataError, match=r"holds values from .*Is it an image"):
        read_pair(prediction, add_label_map(image))


def test_whole_numbers_of_any_type_are_labels(prediction: Any, small_phantom: Phantom) -> None:
    labels = Volume(small_phantom.labels.array.astype(np.float64), small_phantom.labels.geometry)
    np.testing.assert_array_equal(read_pair(prediction, add_label_map(labels)).reference.array, labels.array)


def test_elsewhere_in_space(prediction: Any, small_phantom: Phantom) -> None:
    far = Geometry.axial(small_phantom.labels.geometry.shape, origin_lps=(5000.0, 0.0, 0.0))
    labels = Volume(small_phantom.labels.array * np.uint8(7), far)
    with pytest.raises(GeometryError, match=r"'Reader 1' and 'Chest lungs' do not overlap"):
        read_pair(prediction, add_label_map(labels))
