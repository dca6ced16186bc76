"""Shows where a prediction and its reference differ: three colours in slices, coloured distances in 3D."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import slicer
from scipy.spatial import cKDTree
from slicer import vtkMRMLColorLegendDisplayNode, vtkMRMLModelNode, vtkMRMLSegmentationNode
from vtk import vtkAppendPolyData, vtkColorTransferFunction, vtkPolyData
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LungUNetSegLib.evaluation.compare import Comparison
from LungUNetSegLib.evaluation.report.pictures import DIFFERENCE_COLOURS, differences
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import FloatArray, Geometry, Volume
from LungUNetSegSlicer.scene.segmentation_node import add_labels
from LungUNetSegSlicer.scene.surfaces import make_surface
from LungUNetSegSlicer.scene.volume_bridge import surface_to_ras

DISTANCE = "Distance (mm)"
"""The model's point scalars: from the prediction's surface to the reference's, above 0 where it lies outside."""

COLOUR_RANGE_MM = 5.0
"""The colours run from minus to plus this distance: smaller ones occur between readers, larger ones are errors."""

COLOURS = ((-1.0, (0.13, 0.40, 0.67)), (0.0, (0.97, 0.97, 0.97)), (1.0, (0.70, 0.09, 0.17)))
"""ColorBrewer's RdBu, safe for colour-blind users: blue where too small, white where right, red where too large."""

VOXEL_MM = 1.5
"""Surfaces use every n-th voxel, n up to this: a third of the time, with no visible difference."""

LEGEND_TITLE, LEGEND_FORMAT = "mm", "%+.1f"


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
    """Make the prediction's surface with its distances to the reference's, in steps of a few tenths of a second.

    Distances are measured from vertex to nearest vertex, so that equal surfaces are 0 apart; they exceed the distance
    to the nearest triangle by up to half a voxel.

    Yields:
        After each surface.

    Returns:
        vtkPolyData in RAS mm with the point scalars `DISTANCE`; empty where no lung is in both.
    """
    prediction, reference = _thinned(comparison.prediction), _thinned(comparison.reference)
    joined = vtkAppendPolyData()
    joined.AddInputData(vtkPolyData())
    for label in (1, 2):
        surface = make_surface(prediction, label)
        yield
        target = make_surface(reference, label)
        yield
        if surface.GetNumberOfPoints() and target.GetNumberOfPoints():
            distances = numpy_to_vtk(_signed_distances(surface, target, comparison.reference, label), deep=True)
            distances.SetName(DISTANCE)
            surface.GetPointData().SetScalars(distances)
            joined.AddInputData(surface)
        yield
    joined.Update()
    return surface_to_ras(joined.GetOutput())


def _thinned(labels: Volume) -> Volume:
    """Return every n-th voxel along each axis of a label map."""
    every = [max(1, int(VOXEL_MM / spacing)) for spacing in labels.geometry.spacing_mm]
    array = np.ascontiguousarray(labels.array[:: every[0], :: every[1], :: every[2]])
    affine = labels.geometry.affine_lps @ np.diag((*every, 1))
    return Volume(array, Geometry(array.shape, affine))


def add_distance_model(surface: vtkPolyData, name: str) -> vtkMRMLModelNode:
    """Add the result of `distance_surface` as a coloured model; `add_legend` adds its legend."""
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
    model.SetAndObservePolyData(surface)
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    display.SetActiveScalarName(DISTANCE)
    display.SetAndObserveColorNodeID(_colours().GetID())
    display.SetScalarRangeFlag(display.UseManualScalarRange)
    display.SetScalarRange(-COLOUR_RANGE_MM, COLOUR_RANGE_MM)
    display.SetScalarVisibility(True)
    display.SetVisibility2D(False)
    return model


def distance_colours() -> vtkColorTransferFunction:
    """Return the colour of each distance in mm."""
    ramp = vtkColorTransferFunction()
    for place, colour in COLOURS:
        ramp.AddRGBPoint(place * COLOUR_RANGE_MM, *colour)
    return ramp


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


def _colours() -> slicer.vtkMRMLProceduralColorNode:
    """Return the colours of distances, one node for all models of a scene."""
    name = "Surface distance"
    found = slicer.mrmlScene.GetFirstNode(name, "vtkMRMLProceduralColorNode")
    if found:
        return found
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLProceduralColorNode", name)
    node.SetAndObserveColorTransferFunction(distance_colours())
    return node


def add_legend(model: vtkMRMLModelNode) -> None:
    """Add a scalar bar beside the model, as the module Colors does; a second call changes nothing.

    A 3D view only draws legends that are added while it exists (vtkMRMLColorLegendDisplayableManager).
    """
    display = model.GetDisplayNode()
    if model.GetScene() is None or model.GetNumberOfDisplayNodes() > 1:
        return
    legend = vtkMRMLColorLegendDisplayNode()  # by its class, whose name scenes without the module Colors do not know
    legend.SetName(f"{model.GetName()} legend")
    slicer.mrmlScene.AddNode(legend)
    legend.SetAndObservePrimaryDisplayNode(display)
    legend.SetAndObserveColorNodeID(display.GetColorNodeID())
    model.AddAndObserveDisplayNodeID(legend.GetID())
    legend.SetTitleText(LEGEND_TITLE)
    legend.SetLabelFormat(LEGEND_FORMAT)
    legend.SetNumberOfLabels(5)
