"""Reads the structures of a node, a segmentation or a label map volume, on its grid in the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTransformNode,
    vtkOrientedImageData,
    vtkSegmentation,
    vtkSegmentationConverter,
)
from slicer.util import arrayFromVTKMatrix
from vtk import vtkMatrix4x4, vtkStringArray
from vtk.util.numpy_support import vtk_to_numpy

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.volume import Geometry, SliceBox
from LungUNetSegSlicer.compare.lung_sides import Source, Structure, side_by_name
from LungUNetSegSlicer.scene.segment_mask import segment_mask
from LungUNetSegSlicer.scene.segmentation_node import BINARY_LABELMAP
from LungUNetSegSlicer.scene.volume_bridge import geometry_from_ijk_to_ras, ijk_to_ras, in_world

LARGEST_LABEL = 0xFFFF
"""Label maps have few labels; a volume with values above this is taken for an image."""


def list_structures(node: Any) -> Sequence[Structure]:
    """Return a node's segments, or its label values, for people to choose from.

    Raises:
        LungUNetSegError: As `open_source`.
    """
    return open_source(node, "segmentation").structures


def open_source(node: Any, role: str) -> Source:
    """Return a reader of a node's structures.

    Args:
        node: A segmentation or a label map volume.
        role: ``prediction`` or ``reference``, for messages.

    Raises:
        DataError: Another kind of node, or nothing in it.
        GeometryError: As `placed_in_world`.
    """
    if node is None:
        raise DataError(f"No {role} is selected. Choose a segmentation or a label map.")
    if node.IsA("vtkMRMLSegmentationNode"):
        return SegmentationSource(node, role)
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return LabelMapSource(node, role)
    kind = "a volume of intensities" if node.IsA("vtkMRMLVolumeNode") else f"a {node.GetNodeTagName()}"
    raise DataError(
        f"The {role} {node.GetName()!r} is {kind}, not a segmentation. Choose a segmentation, or turn it into a label "
        "map first (module Volumes, Volume Information)."
    )


class SegmentationSource:
    """The segments of a segmentation node, on their common grid.

    Args:
        node: The node; it is not changed.
        role: For messages.
    """

    def __init__(self, node: vtkMRMLSegmentationNode, role: str) -> None:
        self.name, self.role = node.GetName(), role
        self._segmentation = _with_label_maps(node)
        ids = [self._segmentation.GetNthSegmentID(i) for i in range(self._segmentation.GetNumberOfSegments())]
        # Kept, as the user may remove one while the others are read.
        self._segments = {key: self._segmentation.GetSegment(key) for key in ids}
        self.structures: Sequence[Structure] = [
            Structure(key, each.GetName(), each.GetTerminology() or "") for key, each in self._segments.items()
        ]
        grid = self._common_grid()
        low_i, high_i, low_j, high_j, low_k, high_k = grid.GetExtent()
        shape = (high_k - low_k + 1, high_j - low_j + 1, high_i - low_i + 1)
        if min(shape) < 1:
            raise DataError(f"The {role} {self.name!r} is empty: none of its segments has a voxel.")
        matrix = vtkMatrix4x4()
        grid.GetImageToWorldMatrix(matrix)  # for (i, j, k), wherever the extent begins
        to_ras = arrayFromVTKMatrix(matrix)
        to_ras[:3, 3] = (to_ras @ (low_i, low_j, low_k, 1))[:3]
        self._own_geometry = geometry_from_ijk_to_ras(shape, to_ras)
        self.geometry = placed_in_world(self._own_geometry, node, role)

    def part(self, key: str) -> tuple[SliceBox, Mask]:
        """Return a box of `geometry` with all of a segment, and its voxels there."""
        return segment_mask(self._segments[key], self._own_geometry)[:2]

    def _common_grid(self) -> vtkOrientedImageData:
        """Return a grid with the finest segment's spacing that covers all segments and the scan they were drawn on."""
        mode = vtkSegmentation.EXTENT_UNION_OF_EFFECTIVE_SEGMENTS_AND_REFERENCE_GEOMETRY
        text = self._segmentation.DetermineCommonLabelmapGeometry(mode, vtkStringArray())
        grid = vtkOrientedImageData()
        if not vtkSegmentationConverter.DeserializeImageGeometry(text, grid, False):
            raise DataError(f"The {self.role} {self.name!r} is empty: none of its segments has a voxel.")
        return grid


class LabelMapSource:
    """The values of a label map volume.

    Args:
        node: The node; it is not changed.
        role: For messages.
    """

    def __init__(self, node: vtkMRMLLabelMapVolumeNode, role: str) -> None:
        self.name, self.role = node.GetName(), role
        image = node.GetImageData()
        scalars = image.GetPointData().GetScalars() if image else None
        if scalars is None or scalars.GetNumberOfComponents() != 1:
            raise DataError(f"The label map {self.name!r} has no voxels. Load it again, or choose another one.")
        self._labels = _whole_numbers(vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]), self.name)
        self.geometry = placed_in_world(geometry_from_ijk_to_ras(self._labels.shape, ijk_to_ras(node)), node, role)
        values = _values(self._labels)
        if not values:
            raise DataError(f"The {role} {self.name!r} is empty: all its voxels are 0.")
        self.structures: Sequence[Structure] = [Structure(str(value), _label_name(node, value)) for value in values]

    def part(self, key: str) -> tuple[SliceBox, Mask]:
        """Return all of `geometry`, and the voxels of a value."""
        whole = slice(None)
        return (whole, whole, whole), self._labels == int(key)


def placed_in_world(geometry: Geometry, node: Any, role: str) -> Geometry:
    """Return a node's grid with its parent transforms applied.

    Raises:
        GeometryError: They bend or shear it, or its own axes are not at right angles.
    """
    transform, matrix = node.GetParentTransformNode(), vtkMatrix4x4()
    is_linear = transform is None or transform.IsTransformToWorldLinear()
    if is_linear:  # without a transform this is the identity; of a bent one Slicer would log an error
        vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(transform, None, matrix)
    placed = in_world(geometry, matrix)
    if not is_linear or not placed.is_orthogonal:
        raise GeometryError(
            f"The {role} {node.GetName()!r} is bent or sheared by its transform or its own axes. Harden the transform "
            "(module Transforms), or resample it onto a straight grid, and try again."
        )
    return placed


def _with_label_maps(node: vtkMRMLSegmentationNode) -> vtkSegmentation:
    """Return a node's segmentation, or a copy if its label maps must first be made from surfaces or contours."""
    segmentation = node.GetSegmentation()
    if not segmentation.GetNumberOfSegments():
        raise DataError(f"The segmentation {node.GetName()!r} has no segments. Choose another one.")
    if segmentation.ContainsRepresentation(BINARY_LABELMAP):
        return segmentation
    copy = vtkSegmentation()
    copy.DeepCopy(segmentation)
    if not copy.CreateRepresentation(BINARY_LABELMAP):
        raise DataError(
            f"The segmentation {node.GetName()!r} cannot be turned into label maps. Make its binary label map in the "
            "module Segmentations first."
        )
    return copy


def _whole_numbers(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return label values as integers, whatever type the volume has."""
    whole = array if array.dtype.kind in "iu" else np.rint(array)
    if not np.array_equal(whole, array) or array.min() < 0 or array.max() > LARGEST_LABEL:
        raise DataError(
            f"The label map {name!r} holds values from {array.min():g} to {array.max():g}; labels are small whole "
            "numbers from 0 up. Is it an image?"
        )
    return whole.astype(np.uint16) if whole.dtype.kind == "f" else whole


def _values(labels: npt.NDArray[Any]) -> list[int]:
    """Return the values above 0, collected slice by slice to save memory and sorting."""
    size = int(labels.max()) + 1
    present = np.zeros(size, bool)
    for plane in labels:
        present |= np.bincount(plane.ravel(), minlength=size) > 0
    return [int(value) for value in np.flatnonzero(present) if value]


def _label_name(node: vtkMRMLLabelMapVolumeNode, value: int) -> str:
    """Return the name of a value's colour if it names a lung; Slicer's default colours call label 1 "jake"."""
    display = node.GetDisplayNode()
    colours = display.GetColorNode() if display else None
    name = colours.GetColorName(value) if colours else None
    return name if name and side_by_name(name) else f"label {value}"
