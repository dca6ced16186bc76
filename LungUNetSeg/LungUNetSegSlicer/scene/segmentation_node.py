"""Makes Slicer segmentations of label maps: names, colours, terminology, reference geometry, subject hierarchy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
from slicer import (
    vtkMRMLNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSubjectHierarchyNode,
    vtkOrientedImageData,
    vtkSegment,
    vtkSegmentationConverter,
)
from slicer.i18n import tr as _
from vtk import VTK_UNSIGNED_CHAR, vtkPolyData
from vtk.util.numpy_support import vtk_to_numpy

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import Geometry, Volume, bounding_box
from LungUNetSegSlicer.scene.lung_segments import other_segments, remove_lungs
from LungUNetSegSlicer.scene.surfaces import make_surface
from LungUNetSegSlicer.scene.volume_bridge import (
    ijk_to_ras_matrix,
    surface_to_ras,
)

BINARY_LABELMAP = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
CLOSED_SURFACE = vtkSegmentationConverter.GetClosedSurfaceRepresentationName()


def show_labels(
    labels: Volume,
    segments: Sequence[Segment],
    volume_node: vtkMRMLScalarVolumeNode,
    segmentation_node: vtkMRMLSegmentationNode | None = None,
    *,
    show3d: bool = False,
) -> vtkMRMLSegmentationNode:
    """Put a label map into the scene as a segmentation of a CT.

    Everything that can fail happens before the scene changes: a given node keeps its old lungs, or gets all of the new
    ones. Its other segments stay.

    Args:
        labels: uint8 labels on the CT's own grid.
        segments: What each label means; each becomes a segment, empty where no voxel has its label.
        volume_node: The CT. The segmentation shares its parent transform and its place in the subject hierarchy.
        segmentation_node: The node whose lungs are replaced; without it a new one is made.
        show3d: Also make closed surfaces, which takes some seconds.

    Returns:
        `segmentation_node`, or the new node.

    Raises:
        DataError: As `check_target`.
    """
    shown = segments if show3d else ()
    surfaces = {each.label: surface_to_ras(make_surface(labels, each.label)) for each in shown}
    return show_segments(make_segments(cut_image(labels), segments, surfaces), volume_node, segmentation_node)


def show_segments(
    segments: Mapping[str, vtkSegment],
    volume_node: vtkMRMLScalarVolumeNode,
    segmentation_node: vtkMRMLSegmentationNode | None = None,
) -> vtkMRMLSegmentationNode:
    """Put the result of `make_segments` into the scene; see `show_labels`."""
    check_target(segmentation_node, volume_node)
    if segmentation_node is None:
        name = slicer.mrmlScene.GenerateUniqueName(f"{volume_node.GetName()} lungs")
        segmentation_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    segmentation_node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    remove_lungs(segmentation_node)
    _add(segments, segmentation_node)
    segmentation_node.CreateDefaultDisplayNodes()
    place_beside(volume_node, segmentation_node)
    return segmentation_node


def check_target(segmentation_node: vtkMRMLSegmentationNode | None, volume_node: vtkMRMLScalarVolumeNode) -> None:
    """Check that a segmentation can get a CT's lungs, and with them its parent transform.

    Raises:
        DataError: It lies under another transform, and has other segments, which would move.
    """
    if segmentation_node is None or segmentation_node.GetTransformNodeID() == volume_node.GetTransformNodeID():
        return
    content = segmentation_node.GetSegmentation()
    names = [content.GetSegment(key).GetName() for key in other_segments(segmentation_node)]
    if names:
        raise DataError(
            _(
                "The segmentation {segmentation} and the CT {ct} are under different transforms, and {names} would "
                "move. Put both under one (module Transforms), or choose another segmentation."
            ).format(segmentation=segmentation_node.GetName(), ct=volume_node.GetName(), names=", ".join(names))
        )


def add_labels(labels: Volume, segments: Sequence[Segment], segmentation_node: vtkMRMLSegmentationNode) -> None:
    """Add segments to a segmentation that belongs to no CT; they share one label map, cut to the labels' extent."""
    _add(make_segments(cut_image(labels), segments), segmentation_node)


def make_segments(
    image: vtkOrientedImageData, segments: Sequence[Segment], surfaces: Mapping[int, vtkPolyData] | None = None
) -> dict[str, vtkSegment]:
    """Return segments by their ids, which share one label image.

    Args:
        image: From `label_image` or `cut_image`.
        segments: What each label means.
        surfaces: Closed surfaces by label, in RAS mm; a label without one gets an empty one, unless there are none.
    """
    made = {}
    for each in segments:
        segment = vtkSegment()
        segment.SetName(each.name)
        segment.SetColor(*each.colour)
        segment.SetTag(vtkSegment.GetTerminologyEntryTagName(), each.terminology)
        segment.SetLabelValue(each.label)
        segment.AddRepresentation(BINARY_LABELMAP, image)
        if surfaces:
            # All segments or none: Slicer would start to make a missing surface.
            segment.AddRepresentation(CLOSED_SURFACE, surfaces.get(each.label) or vtkPolyData())
        made[each.segment_id] = segment
    return made


def _add(segments: Mapping[str, vtkSegment], segmentation_node: vtkMRMLSegmentationNode) -> None:
    segmentation = segmentation_node.GetSegmentation()
    if segmentation.GetNumberOfSegments():
        segmentation.CreateRepresentation(BINARY_LABELMAP)  # of others' surfaces; it does nothing where there is one
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    for segment_id, segment in segments.items():
        segmentation.AddSegment(segment, segment_id)


def label_image(cut: npt.NDArray[np.uint8], first: Sequence[int], geometry: Geometry) -> vtkOrientedImageData:
    """Return the part of a label map that holds labels; its (i, j, k) are those of the whole label map.

    Args:
        cut: uint8 labels, (slice, row, column).
        first: The index in the whole label map of the first voxel of `cut`.
        geometry: The grid of the whole.
    """
    image = vtkOrientedImageData()
    image.SetGeometryFromImageToWorldMatrix(ijk_to_ras_matrix(geometry))
    axes = zip(reversed(first), reversed(cut.shape), strict=True)
    image.SetExtent([bound for start, size in axes for bound in (int(start), int(start) + size - 1)])
    image.AllocateScalars(VTK_UNSIGNED_CHAR, 1)
    if cut.size:
        vtk_to_numpy(image.GetPointData().GetScalars()).reshape(cut.shape)[:] = cut
    return image


def cut_image(labels: Volume) -> vtkOrientedImageData:
    """Return the part of a label map that holds labels; see `label_image`."""
    box = bounding_box(labels.array)
    return label_image(labels.array[box], [axis.start for axis in box], labels.geometry)


def companion(segmentation: vtkMRMLSegmentationNode, role: str, class_name: str, what: str) -> Any:
    """Return the node that a segmentation refers to by a role; a new one has the segmentation's name and `what`."""
    node = segmentation.GetNodeReference(role)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass(class_name, f"{segmentation.GetName()} {what}")
        segmentation.SetNodeReferenceID(role, node.GetID())
    return node


def place_beside(first: vtkMRMLNode, node: vtkMRMLNode) -> None:
    """Give a node the parent of another one in the subject hierarchy: its study, or its folder."""
    hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    first_item, item = (
        # The application makes an item for each added node; on a server this does not happen.
        hierarchy.GetItemByDataNode(each) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), each)
        for each in (first, node)
    )
    hierarchy.SetItemParent(item, hierarchy.GetItemParent(first_item))
