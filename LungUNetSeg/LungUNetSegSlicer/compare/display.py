"""Shows where a prediction and its reference differ: three colours in slices, coloured distances in 3D."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import slicer
from scipy.spatial import cKDTree
from slicer import vtkMRMLModelNode, vtkMRMLSegmentationNode
from vtk import vtkAppendPolyData, vtkPolyData
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.evaluation.compare import Comparison
from LungUNetSegLib.evaluation.report.pictures import DIFFERENCE_COLOURS, differences
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.scene.colour_maps import BLUE, RED, WHITE, ColourMap, add_coloured_model
from LungUNetSegSlicer.scene.segmentation_node import add_labels
from LungUNetSegSlicer.scene.surfaces import make_surface, thinned
from LungUNetSegSlicer.scene.volume_bridge import surface_to_ras

DISTANCE = "Distance (mm)"
"""The model's point scalars: from the prediction's surface to the reference's, above 0 where it lies outside."""

COLOUR_RANGE_MM = 5.0
"""The colours run from minus to plus this distance: smaller ones occur between readers, larger ones are errors."""

DISTANCE_COLOURS = ColourMap(
    name="Surface distance",
    points=((-COLOUR_RANGE_MM, BLUE), (0.0, WHITE), (COLOUR_RANGE_MM, RED)),
    unit="mm",
    number_format="%+.1f",
)
"""Blue where too small, white where right, red where too large."""


def _segment(label: int, name: str) -> Segment:
    red, green, blue, _ = DIFFERENCE_COLOURS[label]
    return Segment(label, name.replace(" ", ""), name, (red / 255, green / 255, blue / 255), "")


DIFFERENCES = (_segment(1, "True positive"), _segment(2, "False positive"), _segment(3, "False negative"))
"""The segments of the differences; lung on the wrong side counts as false positive."""


def difference_labels(comparison: Comparison) -> Volume:
    """Return the labels of `DIFFERENCES` on the reference's grid; no node is changed."""
    kinds = differences(comparison.prediction.array, comparison.reference.array)
    return Volume(kinds, comparison.reference.geometry)


def add_differences(labels: Volume, name: str) -> vtkMRMLSegmentationNode:
    """Add a segmentation of the lung in both, in the prediction only, and in the reference only."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    add_labels(labels, DIFFERENCES, node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    for each in DIFFERENCES:
        # As in the report: errors stand out from a pale agreement.
        display.SetSegmentOpacity2DFill(each.segment_id, DIFFERENCE_COLOURS[each.label][3] / 255)
        display.SetSegmentOpacity2DOutline(each.segment_id, 0.0)
    display.SetOpacity2DFill(1.0)
    return node


def distance_surface(comparison: Comparison) -> Generator[None, None, vtkPolyData]:
    """Make the prediction's surface with its distances to the reference's, in a thread.

    Distances are measured from vertex to nearest vertex, so that equal surfaces are 0 apart; they exceed the distance
    to the nearest triangle by up to half a voxel.

    Yields:
        Until it is done.

    Returns:
        vtkPolyData in RAS mm with the point scalars `DISTANCE`; empty where no lung is in both.
    """
    # VTK's filters free Python's global lock while they work.
    return (yield from in_background(lambda: _distance_surface(comparison)))


def _distance_surface(comparison: Comparison) -> vtkPolyData:
    prediction, reference = thinned(comparison.prediction), thinned(comparison.reference)
    joined = vtkAppendPolyData()
    joined.AddInputData(vtkPolyData())
    for label in (1, 2):
        surface, target = make_surface(prediction, label), make_surface(reference, label)
        if surface.GetNumberOfPoints() and target.GetNumberOfPoints():
            distances = numpy_to_vtk(_signed_distances(surface, target, comparison.reference, label), deep=True)
            distances.SetName(DISTANCE)
            surface.GetPointData().SetScalars(distances)
            joined.AddInputData(surface)
    joined.Update()
    return surface_to_ras(joined.GetOutput())


def add_distance_model(surface: vtkPolyData, name: str) -> vtkMRMLModelNode:
    """Add the result of `distance_surface` as a coloured model; `colour_maps.add_legend` adds its legend."""
    return add_coloured_model(surface, DISTANCE, name, DISTANCE_COLOURS)


def _signed_distances(surface: vtkPolyData, target: vtkPolyData, reference: Volume, label: int) -> FloatArray:
    """(N,) distance in mm of each vertex of a surface in LPS mm to a target's, below 0 inside the reference."""
    points, targets = (vtk_to_numpy(each.GetPoints().GetData()).astype(float) for each in (surface, target))
    distances = cKDTree(targets, 32, compact_nodes=False, balanced_tree=False).query(points, workers=-1)[0]
    index = np.rint(reference.geometry.to_index(points)).astype(int)
    inside_grid = ((index >= 0) & (index < reference.geometry.shape)).all(axis=1)
    inside = np.zeros(len(points), bool)
    inside[inside_grid] = reference.array[tuple(index[inside_grid].T)] == label
    signed: FloatArray = np.where(inside, -distances, distances)
    return signed
