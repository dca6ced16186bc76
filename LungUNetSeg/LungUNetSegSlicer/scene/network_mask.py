"""Reads the network's own mask, which is kept with a segmentation, where the segmentation lies now.

A transform that is hardened moves the CT and its segmentation, but not the mask that is kept as a text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from slicer import vtkMRMLSegmentationNode, vtkOrientedImageData, vtkSegmentationConverter
from slicer.util import arrayFromVTKMatrix
from vtk import vtkMatrix4x4

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.segmentation.network_mask import from_text, geometry_of
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegSlicer.scene.kept_result import recall_network_mask
from LungUNetSegSlicer.scene.volume_bridge import geometry_from_ijk_to_ras, motion_ras

Point = tuple[float, float, float]


@dataclass(frozen=True)
class NetworkMask:
    """The network's own mask of a segmentation.

    Attributes:
        text: As `segmentation.network_mask.to_text` wrote it.
        grid: Where the mask lies now: with its segmentation, if that was moved and kept its form; else as in the run.
        motion: From its place in the run to that grid, 4x4 in LPS mm.
    """

    text: str
    grid: Geometry
    motion: FloatArray

    def labels(self) -> Volume:
        """Return the network's labels; this uses no node.

        Raises:
            DataError: The text is damaged.
        """
        return Volume(from_text(self.text).array, self.grid)


def network_mask(segmentation: vtkMRMLSegmentationNode) -> NetworkMask | None:
    """Return the network's own mask of a segmentation; None if it was not kept.

    Raises:
        DataError: It is damaged.
    """
    text = recall_network_mask(segmentation)
    if text is None:
        return None
    of_run, own = geometry_of(text), _own_grid(segmentation)
    motion = None if own is None else of_run.motion_to(own)
    if own is None or motion is None:
        return NetworkMask(text, of_run, np.eye(4))
    return NetworkMask(text, own, motion)


def at_height(segmentation: vtkMRMLSegmentationNode, ras: Point, height_mm: float) -> Point:
    """Return a point of a segmentation at a height that its result tells, in RAS mm without the parent transform.

    Args:
        segmentation: The lungs.
        ras: Which point to raise or lower, in the same frame.
        height_mm: As it was in the run, wherever the segmentation was moved since.
    """
    mask = network_mask(segmentation)
    to_now = np.eye(4) if mask is None else motion_ras(mask.motion)
    then = np.linalg.inv(to_now) @ (*ras, 1.0)
    then[2] = height_mm
    x, y, z, _one = to_now @ then
    return float(x), float(y), float(z)


def _own_grid(segmentation: vtkMRMLSegmentationNode) -> Geometry | None:
    """Return the grid that a segmentation was made on; Slicer moves it with the segmentation."""
    name = vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    text, image = segmentation.GetSegmentation().GetConversionParameter(name), vtkOrientedImageData()
    if not text or not vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
        return None
    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    columns, rows, slices = image.GetDimensions()
    return geometry_from_ijk_to_ras((slices, rows, columns), arrayFromVTKMatrix(matrix))
