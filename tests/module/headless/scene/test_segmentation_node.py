"""Label maps as segmentation nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from LungUNetSegLib.errors import DataError, LungUNetSegError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.scene import segmentation_node
from LungUNetSegSlicer.scene.lung_segments import SCRIBBLES
from LungUNetSegSlicer.scene.segmentation_node import cut_image, make_segments, show_labels, show_segments
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node


@pytest.fixture
def ct(scene: Any, small_phantom: Phantom) -> Any:
    """The small phantom's CT as a volume node."""
    return add_volume_node(small_phantom.ct, "Chest")


def hierarchy(scene: Any) -> Any:
    """Return the scene's subject hierarchy."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def mask_of(node: Any, segment_id: str, ct: Any) -> np.ndarray:
    """Return a segment's voxels on the CT's grid, read by Slicer's own function."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct) > 0


def test_two_named_coloured_coded_segments_in_one_layer(ct: Any, small_phantom: Phantom) -> None:
    node = show_labels(small_phantom.labels, LUNGS, ct)
    segmentation = node.GetSegmentation()
    assert node.GetName() == "Chest lungs"
    assert node.GetDisplayNode() is not None
    assert segmentation.GetNumberOfLayers() == 1
    assert [segmentation.GetNthSegmentID(i) for i in (0, 1)] == ["RightLung", "LeftLung"]
    for lung in LUNGS:
        segment = segmentation.GetSegment(lung.segment_id)
        assert (segment.GetName(), segment.GetLabelValue()) == (lung.name, lung.label)
        np.testing.assert_allclose(segment.GetColor(), lung.colour)
        assert segment.GetTerminology() == lung.terminology


def test_terminology_is_read_by_slicers_own_parser(ct: Any, small_phantom: Phantom) -> None:
    """Category, type and modifier: Anatomical Structure, Lung, and the patient's own side."""
    node = show_labels(small_phantom.labels, LUNGS, ct)
    for segment_id, side in (("RightLung", "Right"), ("LeftLung", "Left")):
        entry = slicer.vtkSlicerTerminologyEntry()
        text = node.GetSegmentation().GetSegment(segment_id).GetTerminology()
        assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(text, entry)
        assert entry.GetCategoryObject().GetCodeMeaning() == "Anatomical Structure"
        assert entry.GetTypeObject().GetCodeMeaning() == "Lung"
        assert entry.GetTypeModifierObject().GetCodeMeaning() == side


@pytest.mark.parametrize("name", ["small_phantom", "oblique_phantom"])
def test_each_voxel_comes_back(scene: Any, name: str, request: pytest.FixtureRequest) -> None:
    """Also for an oblique, flipped, anisotropic scan."""
    phantom: Phantom = request.getfixturevalue(name)
    ct = add_volume_node(phantom.ct, "Chest")
    node = show_labels(phantom.labels, LUNGS, ct)
    for lung in LUNGS:
        np.testing.assert_array_equal(mask_of(node, lung.segment_id, ct), phantom.labels.array == lung.label)


def test_the_ct_is_the_reference(ct: Any, small_phantom: Phantom) -> None:
    """Later edits and exports use the CT's own grid."""
    node = show_labels(small_phantom.labels, LUNGS, ct)
    assert node.GetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole()) == ct.GetID()
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    geometry = node.GetSegmentation().GetConversionParameter(name)
    assert geometry.endswith("0;71;0;63;0;23;")


def test_it_lies_beside_the_ct(ct: Any, small_phantom: Phantom, scene: Any) -> None:
    """In the study or folder of the CT, once, whether the node is new or replaced."""
    tree = hierarchy(scene)
    study = tree.CreateStudyItem(tree.GetSceneItemID(), "Study")
    tree.CreateItem(study, ct)
    node = show_labels(small_phantom.labels, LUNGS, ct)
    assert tree.GetItemParent(tree.GetItemByDataNode(node)) == study
    show_labels(small_phantom.labels, LUNGS, ct, node)
    assert tree.GetNumberOfItemChildren(study) == 2


def test_it_moves_with_the_ct(ct: Any, small_phantom: Phantom, scene: Any) -> None:
    """A segmentation is put under the CT's transform, and taken out of an old one."""
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    ct.SetAndObserveTransformNodeID(transform.GetID())
    node = show_labels(small_phantom.labels, LUNGS, ct)
    assert node.GetTransformNodeID() == transform.GetID()
    ct.SetAndObserveTransformNodeID(None)
    assert show_labels(small_phantom.labels, LUNGS, ct, node).GetTransformNodeID() is None


def test_what_lies_beside_the_lungs_is_never_moved(ct: Any, small_phantom: Phantom, scene: Any) -> None:
    """Protects a tumour in a segmentation under another transform than the CT: it would jump to another place."""
    node = show_labels(small_phantom.labels, LUNGS, ct)
    node.GetSegmentation().AddEmptySegment("Tumour", "Tumour")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(DataError, match="under different transforms, and Tumour would move"):
        show_labels(small_phantom.labels, BOTH_LUNGS, ct, node)
    assert node.GetTransformNodeID() == transform.GetID()
    assert node.GetSegmentation().GetSegmentIDs() == ("RightLung", "LeftLung", "Tumour")


def test_the_lungs_of_an_existing_node_are_replaced_and_nothing_else(
    ct: Any, small_phantom: Phantom, scene: Any
) -> None:
    """Protects what the user drew beside the lungs; parts of lungs, and marks of what to repair, go with them."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    names = {"Tumour": "Tumour", "RightLung": "mine", "x": "Left lung", "y": "Left lung_1", SCRIBBLES: "Scribbles"}
    for key, name in names.items():
        node.GetSegmentation().AddEmptySegment(key, name)
    tumour = np.zeros(small_phantom.ct.array.shape, np.uint8)
    tumour[10, 20:25, 30:35] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(tumour, node, "Tumour", ct)
    for segments in (BOTH_LUNGS, LUNGS, BOTH_LUNGS):
        assert show_labels(small_phantom.labels, segments, ct, node) is node
    assert node.GetName() == "Mine"
    assert node.GetSegmentation().GetSegmentIDs() == ("Tumour", "Lungs")
    np.testing.assert_array_equal(mask_of(node, "Lungs", ct), small_phantom.labels.array == 1)
    np.testing.assert_array_equal(mask_of(node, "Tumour", ct), tumour == 1)


def test_surfaces_that_others_made_stay_beside_the_lungs(ct: Any, small_phantom: Phantom, scene: Any) -> None:
    """Protects a segmentation that came as surfaces, such as an STL file: its label maps are made."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    ball = vtk.vtkSphereSource()
    ball.SetRadius(30.0)
    ball.Update()
    node.AddSegmentFromClosedSurfaceRepresentation(ball.GetOutput(), "Tumour", (1.0, 0.0, 0.0), "Tumour")
    show_labels(small_phantom.labels, BOTH_LUNGS, ct, node)
    assert node.GetSegmentation().GetSegmentIDs() == ("Tumour", "Lungs")
    assert mask_of(node, "Tumour", ct).any()
    np.testing.assert_array_equal(mask_of(node, "Lungs", ct), small_phantom.labels.array == 1)


def test_a_failure_leaves_the_scene_as_it_was(
    ct: Any, small_phantom: Phantom, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = show_labels(small_phantom.labels, LUNGS, ct)
    before = scene.GetNumberOfNodes()

    def failing(*_: Any) -> None:
        raise LungUNetSegError("No surfaces today.")

    monkeypatch.setattr(segmentation_node, "make_surface", failing)
    empty = Volume(np.zeros_like(small_phantom.labels.array), small_phantom.labels.geometry)
    for target in (node, None):
        with pytest.raises(LungUNetSegError, match="surfaces"):
            show_labels(empty, LUNGS, ct, target, show3d=True)
    assert scene.GetNumberOfNodes() == before
    assert mask_of(node, "LeftLung", ct).any()


def test_no_lung_gives_two_empty_segments(ct: Any, small_phantom: Phantom) -> None:
    empty = Volume(np.zeros_like(small_phantom.labels.array), small_phantom.labels.geometry)
    node = show_labels(empty, LUNGS, ct, show3d=True)
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    assert not mask_of(node, "RightLung", ct).any()


def test_surfaces_enclose_the_labels(ct: Any, small_phantom: Phantom) -> None:
    """In RAS: the right lung's surface lies at positive x, within a voxel of its labels."""
    node = show_labels(small_phantom.labels, LUNGS, ct, show3d=True)
    labels = small_phantom.labels
    for lung in LUNGS:
        surface = node.GetClosedSurfaceInternalRepresentation(lung.segment_id)
        points = labels.geometry.to_lps(np.argwhere(labels.array == lung.label)) * (-1, -1, 1)
        bounds = np.array(surface.GetBounds())
        slack = max(labels.geometry.spacing_mm)
        np.testing.assert_allclose(bounds[::2], points.min(axis=0), atol=slack)
        np.testing.assert_allclose(bounds[1::2], points.max(axis=0), atol=slack)
    assert node.GetClosedSurfaceInternalRepresentation("RightLung").GetCenter()[0] > 0


def test_surfaces_made_elsewhere_are_used(ct: Any, small_phantom: Phantom) -> None:
    from vtk import vtkSphereSource

    sphere = vtkSphereSource()
    sphere.Update()
    segments = make_segments(cut_image(small_phantom.labels), LUNGS, {1: sphere.GetOutput()})
    node = show_segments(segments, ct)
    points = [node.GetClosedSurfaceInternalRepresentation(lung.segment_id).GetNumberOfPoints() for lung in LUNGS]
    assert points == [sphere.GetOutput().GetNumberOfPoints(), 0]
