"""Converts between Slicer's volume nodes and the library's `Volume`; the only file that converts between LPS and RAS.

A volume node keeps its voxels as (K, J, I), which is the library's (slice, row, column), and maps (i, j, k) to RAS
mm; the library maps (slice, row, column) to LPS mm.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLScalarVolumeNode
from vtk import vtkImageData, vtkMatrix4x4, vtkMatrixToLinearTransform, vtkPolyData, vtkTransformPolyDataFilter
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.volume import Geometry, Volume, to_hu
from LungUNetSegLib.volume.ras import RAS_TO_LPS, REVERSE_AXES
from LungUNetSegSlicer.background import finish

LUNG_WINDOW_HU = (1500.0, -600.0)
"""Width and centre of the grey scale in which radiologists read lungs."""

SLAB_VOXELS = 4_000_000
"""Voxels that are copied at once: some hundredths of a second."""


def volume_from_node(node: vtkMRMLScalarVolumeNode) -> tuple[Volume, tuple[Finding, ...]]:
    """Copy a CT from the scene.

    The node's parent transform is not applied: the voxels are segmented as they were scanned, and the segmentation
    gets the same transform.

    Args:
        node: A scalar volume with any voxel type and any IJK-to-RAS matrix.

    Returns:
        The volume in int16 HU, and remarks with the codes ``under-transform`` and ``nan-voxels``.

    Raises:
        ReadError: Not a volume, a label map, a colour or vector image, or a volume without voxels.
    """
    return finish(volume_steps(node))


def volume_steps(node: vtkMRMLScalarVolumeNode) -> Generator[None, None, tuple[Volume, tuple[Finding, ...]]]:
    """Do what `volume_from_node` does in steps of `SLAB_VOXELS`, between which the event loop runs."""
    array = voxels(node)
    geometry = geometry_from_ijk_to_ras(array.shape, ijk_to_ras(node))
    remarks = transform_remarks(node)
    hu = np.empty(array.shape, np.int16)
    missing = 0
    for slab in slabs_of(array):
        hu[slab] = to_hu(array[slab])
        missing += int(np.isnan(array[slab]).sum()) if array.dtype.kind == "f" else 0
        yield
    return Volume(hu, geometry), remarks + _nan_remarks(missing)


def add_volume_node(volume: Volume, name: str) -> vtkMRMLScalarVolumeNode:
    """Add a copy of `volume` to the scene as a scalar volume called `name`, ready to be shown."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(ijk_to_ras_matrix(volume.geometry))
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(volume.array))
    node.CreateDefaultDisplayNodes()
    return node


def slabs_of(array: np.ndarray) -> Iterator[slice]:
    """Yield slices along an array's first axis, of `SLAB_VOXELS` each: what a step works on."""
    step = max(1, SLAB_VOXELS // max(1, array[:1].size))
    for start in range(0, len(array), step):
        yield slice(start, start + step)


def add_volume_steps(
    volume: Volume, name: str, window: tuple[float, float]
) -> Generator[None, None, vtkMRMLScalarVolumeNode]:
    """Do what `add_volume_node` does in steps, between which the event loop runs; the scene changes only at the end.

    Slicer would look through all voxels for a window, which takes most of a second; this one is given.

    Args:
        volume: What to add.
        name: Of the node.
        window: The values that are shown as black and as white, or as the first and the last colour.
    """
    image = vtkImageData(dimensions=volume.array.shape[::-1])
    image.AllocateScalars(get_vtk_array_type(volume.array.dtype), 1)
    target = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(volume.array.shape)
    yield
    for slab in slabs_of(volume.array):
        target[slab] = volume.array[slab]
        yield
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(ijk_to_ras_matrix(volume.geometry))
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetAutoThreshold(False)
    display.SetWindowLevelMinMax(*window)
    node.SetAndObserveImageData(image)
    return node


def show_lung_window(node: vtkMRMLScalarVolumeNode) -> None:
    """Show a CT in the lung window."""
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(*LUNG_WINDOW_HU)


def ijk_to_ras(node: vtkMRMLScalarVolumeNode) -> FloatArray:
    """Return the 4x4 that maps a volume node's (i, j, k, 1) to RAS mm, without its parent transform."""
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def geometry_from_ijk_to_ras(shape: tuple[int, ...], matrix: FloatArray) -> Geometry:
    """Return the grid of a (K, J, I) array whose (i, j, k, 1) indices `matrix` maps to RAS mm."""
    return Geometry((shape[0], shape[1], shape[2]), RAS_TO_LPS @ matrix @ REVERSE_AXES)


def ijk_to_ras_matrix(geometry: Geometry) -> vtkMatrix4x4:
    """Return the VTK matrix that maps (i, j, k, 1) of a (K, J, I) array on `geometry` to RAS mm."""
    return slicer.util.vtkMatrixFromArray(RAS_TO_LPS @ geometry.affine_lps @ REVERSE_AXES)


def in_world(geometry: Geometry, to_world: vtkMatrix4x4) -> Geometry:
    """Return a grid as a transform node's matrix, in RAS mm, moves it."""
    affine_lps = RAS_TO_LPS @ slicer.util.arrayFromVTKMatrix(to_world) @ RAS_TO_LPS @ geometry.affine_lps
    return Geometry(geometry.shape, affine_lps)


def motion_ras(motion_lps: FloatArray) -> FloatArray:
    """Return a motion, 4x4 from LPS mm to LPS mm, as one of the scene: from RAS mm to RAS mm."""
    return RAS_TO_LPS @ motion_lps @ RAS_TO_LPS


def point_to_ras(point_lps: Iterable[float]) -> tuple[float, float, float]:
    """Return a point, given in LPS mm, in the scene's RAS mm."""
    right, front, up, _ = RAS_TO_LPS @ (*point_lps, 1.0)
    return float(right), float(front), float(up)


def points_of_surface_lps(surface: vtkPolyData) -> FloatArray:
    """Return the points of a surface in the scene, (n, 3) LPS mm."""
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float) @ RAS_TO_LPS[:3, :3]


def box_ras(node: Any) -> tuple[FloatArray, FloatArray]:
    """Return centre and size, (3,) RAS mm, of a node's bounding box; the size is below 0 if the node is empty."""
    bounds = np.empty(6)
    node.GetRASBounds(bounds)
    low, high = bounds[::2], bounds[1::2]
    return (low + high) / 2, high - low


def surface_to_ras(surface: vtkPolyData) -> vtkPolyData:
    """Return a surface, given in LPS mm, in the scene's RAS mm, including its normals."""
    transform = vtkMatrixToLinearTransform(input=slicer.util.vtkMatrixFromArray(RAS_TO_LPS))
    placed = vtkTransformPolyDataFilter(transform=transform, input_data=surface)
    placed.Update()
    return placed.GetOutput()


def voxels(node: Any) -> np.ndarray:
    """Return a scalar volume's voxels, (K, J, I), without a copy.

    Raises:
        ReadError: As `volume_from_node`.
    """
    if node is None or not node.IsA("vtkMRMLScalarVolumeNode"):
        raise ReadError("No CT is selected. Load a chest CT and choose it as the input.")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise ReadError(f"{node.GetName()!r} is a label map, not a scan. Choose the CT that it was drawn on.")
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or not scalars.GetNumberOfTuples():
        raise ReadError(f"The volume {node.GetName()!r} has no voxels. Load it again, or choose another one.")
    if scalars.GetNumberOfComponents() != 1:
        raise ReadError(
            f"The volume {node.GetName()!r} has {scalars.GetNumberOfComponents()} values at each voxel, as a colour "
            "image has; a CT has one. Choose the CT itself."
        )
    return vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])


def transform_remarks(node: vtkMRMLScalarVolumeNode) -> tuple[Finding, ...]:
    """Return a finding if a volume is under a transform, which the segmentation ignores."""
    transform = node.GetParentTransformNode()
    if not transform:
        return ()
    message = (
        f"The CT is under the transform {transform.GetName()!r}: the lungs were found on its untransformed voxels, "
        "volumes in ml are without the transform, and the segmentation was put under it too."
    )
    return (Finding("under-transform", message),)


def _nan_remarks(missing: int) -> tuple[Finding, ...]:
    if not missing:
        return ()
    return (Finding("nan-voxels", f"{missing} voxels are NaN (not a number); they were treated as air."),)
