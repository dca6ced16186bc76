"""Makes closed surfaces of the lungs in the child process, in the same way as Slicer does.

Slicer's own conversion takes seconds on the thread of the user interface. This is the same chain of filters with the
same settings (Slicer's Libs/vtkSegmentationCore/vtkBinaryLabelmapToClosedSurfaceConversionRule.cxx, defaults: flying
edges, smoothing 0.5, no decimation, normals), so that editing a segment later gives the same surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkCommonTransforms import vtkMatrixToLinearTransform
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D, vtkTransformPolyDataFilter
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLPolyDataWriter

from LungUNetSegLib.volume import Geometry, Volume, bounding_box

SMOOTHING = 0.5

VOXEL_MM = 1.5
"""Surfaces of voxels up to this size take a third of the time, with no visible difference."""


def make_surface(labels: Volume, label: int) -> vtkPolyData:
    """Return the closed surface of one label.

    Args:
        labels: A uint8 label map.
        label: The label; the polydata is empty if no voxel has it.

    Returns:
        Triangles with normals, in the frame of the label map's affine (LPS mm).
    """
    mask = labels.array == label
    box = bounding_box(mask)
    if not mask[box].size:
        return vtkPolyData()
    edges = vtkDiscreteFlyingEdges3D(compute_gradients=False, compute_normals=False, input_data=_padded(mask[box]))
    edges.SetValue(0, 1)
    smoother = vtkWindowedSincPolyDataFilter(
        number_of_iterations=int(20 + 40 * SMOOTHING),
        pass_band=10 ** (-4 * SMOOTHING),
        boundary_smoothing=False,
        feature_edge_smoothing=False,
        non_manifold_smoothing=True,
        normalize_coordinates=True,
        input_connection=edges.GetOutputPort(),
    )
    placed = vtkTransformPolyDataFilter(
        transform=_index_to_lps(labels, [axis.start - 1 for axis in box]), input_connection=smoother.GetOutputPort()
    )
    normals = vtkPolyDataNormals(consistency=True, splitting=False, input_connection=placed.GetOutputPort())
    normals.Update()
    surface: vtkPolyData = normals.GetOutput()
    surface.GetPointData().RemoveArray("ImageScalars")
    return surface


def thinned(labels: Volume, voxel_mm: float = VOXEL_MM) -> Volume:
    """Return every n-th voxel along each axis of a label map, n voxels being no longer than `voxel_mm`."""
    every = [max(1, int(voxel_mm / spacing)) for spacing in labels.geometry.spacing_mm]
    array = np.ascontiguousarray(labels.array[:: every[0], :: every[1], :: every[2]])
    affine = labels.geometry.affine_lps @ np.diag((*every, 1))
    return Volume(array, Geometry(array.shape, affine))


def write_surface(surface: vtkPolyData, path: Path) -> None:
    """Write a surface as VTK's XML polydata, uncompressed, for `read_surface`.

    Raises:
        OSError: The file cannot be written.
    """
    writer = vtkXMLPolyDataWriter(file_name=str(path), input_data=surface)
    writer.SetDataModeToAppended()
    writer.EncodeAppendedDataOff()
    writer.SetCompressorTypeToNone()
    if not writer.Write():
        raise OSError(f"The surface {path} cannot be written: is the disk full?")


def read_surface(path: Path) -> vtkPolyData:
    """Read what `write_surface` wrote."""
    reader = vtkXMLPolyDataReader(file_name=str(path))
    reader.Update()
    return reader.GetOutput()


def _padded(mask: npt.NDArray[np.bool_]) -> vtkImageData:
    """Return a mask as an image with a border of one background voxel."""
    padded = np.pad(mask, 1).astype(np.uint8)
    image = vtkImageData(dimensions=padded.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(), deep=True))
    return image


def _index_to_lps(labels: Volume, first: Sequence[int]) -> Any:
    """Return the transform of (i, j, k), counted from the voxel `first` (slice, row, column), to LPS mm."""
    affine = np.array(labels.geometry.affine_lps)
    affine[:3, 3] = labels.geometry.to_lps(first)
    matrix = vtkMatrix4x4()
    matrix.DeepCopy(affine[:, [2, 1, 0, 3]].ravel().tolist())
    return vtkMatrixToLinearTransform(input=matrix)
