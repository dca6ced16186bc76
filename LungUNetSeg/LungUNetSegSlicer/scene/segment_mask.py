"""Reads the voxels of a segment on a grid, from as little of its label map as holds them."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
from slicer import vtkOrientedImageData, vtkOrientedImageDataResample, vtkSegment
from slicer.util import arrayFromVTKMatrix
from vtk import vtkMatrix4x4
from vtk.util.numpy_support import vtk_to_numpy

from LungUNetSegLib.volume import Geometry, SliceBox
from LungUNetSegSlicer.scene.segmentation_node import BINARY_LABELMAP
from LungUNetSegSlicer.scene.volume_bridge import ijk_to_ras_matrix

_OFF_GRID = 0.01
"""How far the voxels of another grid may lie from the CT's, in voxels."""


def segment_mask(segment: vtkSegment, grid: Geometry) -> tuple[SliceBox, npt.NDArray[np.bool_], bool]:
    """Return a segment's voxels in a box of a grid, both without the parent transform.

    Args:
        segment: With a binary label map.
        grid: The grid.

    Returns:
        The box; the mask in it; and whether the segment's own voxels lie on the grid's. If not it is resampled.
    """
    image = segment.GetRepresentation(BINARY_LABELMAP)
    extent = np.array(image.GetExtent())
    low, high = extent[::2], extent[1::2] + 1
    nothing = (slice(0, 0),) * 3, np.zeros((0, 0, 0), bool), True
    if (high <= low).any():
        return nothing
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape((high - low)[::-1])
    shift = _shift(image, grid, low, high)
    if shift is None:
        reference, placed = vtkOrientedImageData(), vtkOrientedImageData()
        reference.SetGeometryFromImageToWorldMatrix(ijk_to_ras_matrix(grid))
        reference.SetExtent([bound for size in reversed(grid.shape) for bound in (0, size - 1)])
        if not vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, placed):
            return nothing[0], nothing[1], False
        resampled = vtk_to_numpy(placed.GetPointData().GetScalars()).reshape(grid.shape)
        return (slice(None),) * 3, resampled == segment.GetLabelValue(), False
    inside_low = np.maximum(low + shift, 0)
    inside_high = np.maximum(np.minimum(high + shift, grid.shape[::-1]), inside_low)
    box, part = (
        tuple(slice(int(first), int(last)) for first, last in zip(begin[::-1], end[::-1], strict=True))
        for begin, end in ((inside_low, inside_high), (inside_low - shift - low, inside_high - shift - low))
    )
    return (box[0], box[1], box[2]), array[part] == segment.GetLabelValue(), True


def _shift(
    image: vtkOrientedImageData, grid: Geometry, low: npt.NDArray[np.int_], high: npt.NDArray[np.int_]
) -> npt.NDArray[np.int_] | None:
    """Return how far an image's (i, j, k) are from a grid's, in whole voxels; None if its voxels lie elsewhere."""
    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_grid = np.linalg.inv(arrayFromVTKMatrix(ijk_to_ras_matrix(grid)))
    to_grid = to_grid @ arrayFromVTKMatrix(matrix)
    corners = np.array(list(product(*zip(low, high, strict=True))), float)
    moved = corners @ to_grid[:3, :3].T + to_grid[:3, 3] - corners
    shift: npt.NDArray[np.int_] = np.rint(moved[0]).astype(int)
    return shift if float(np.abs(moved - shift).max()) < _OFF_GRID else None
