"""Shows the map of local density of a segmentation's lungs: over the slices, and on their surface in 3D."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLModelNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from vtk import vtkAppendPolyData, vtkPolyData
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.measures.density_map import OUTSIDE_HU, density_map, values_near
from LungUNetSegLib.volume import FloatArray, Volume
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.scene.colour_maps import (
    BLUE,
    RED,
    WHITE,
    ColourMap,
    Overlay,
    add_coloured_model,
    add_legend,
    coloured_volume_steps,
    remove_coloured,
)
from LungUNetSegSlicer.scene.lung_masks import LungMasks, ct_of, lung_mask_steps, lung_segments
from LungUNetSegSlicer.scene.segmentation_node import CLOSED_SURFACE
from LungUNetSegSlicer.scene.surfaces import make_surface, thinned
from LungUNetSegSlicer.scene.volume_bridge import surface_to_ras, volume_steps

DENSITY_COLOURS = ColourMap(
    name="LocalDensity",
    points=((-1000.0, BLUE), (-800.0, WHITE), (-600.0, RED)),
    unit="HU",
    number_format="%.0f",
)
"""Blue where there is less tissue than in healthy lung at inspiration, red where there is more."""

SCALARS = "LocalDensityHU"
"""The model's point scalars."""

SURFACE_MM = 3.0
"""Size of the surface's voxels, where it has to be made: fine enough for means over 10 mm, and no step takes long."""

HIGHEST_HU = float(np.iinfo(np.int16).max)


@dataclass(frozen=True, eq=False)
class LocalDensity:
    """A map that is shown.

    Attributes:
        segmentation: The lungs; while the map is shown, its fill and its own surfaces are hidden.
        volume: The map.
        model: The lungs' surface.
        overlay: The slice views that show the map.
        fill, surfaces: Whether the segmentation showed them before.
    """

    segmentation: vtkMRMLSegmentationNode
    volume: vtkMRMLScalarVolumeNode
    model: vtkMRMLModelNode
    overlay: Overlay
    fill: bool
    surfaces: bool

    def remove(self) -> None:
        """Remove the map from the scene, and show the segmentation as before."""
        self.overlay.remove()
        for node in (self.volume, self.model):
            remove_coloured(node)
        display = self.segmentation.GetDisplayNode()
        if display is not None:
            display.SetVisibility2DFill(self.fill)
            display.SetVisibility3D(self.surfaces)


def local_density_steps(segmentation: vtkMRMLSegmentationNode) -> Generator[None, None, LocalDensity]:
    """Compute the map of a segmentation's lungs, as they are now, and show it; the scene changes only at the end.

    Raises:
        LungUNetSegError: As `density_node_steps`.
    """
    return _show(segmentation, *(yield from density_node_steps(segmentation)))


def density_node_steps(
    segmentation: vtkMRMLSegmentationNode,
) -> Generator[None, None, tuple[vtkMRMLScalarVolumeNode, vtkMRMLModelNode]]:
    """Compute the map of a segmentation's lungs, as they are now; add it to the scene at the end.

    Returns:
        The map, which no view shows yet, and the lungs' surface, which is visible.

    Raises:
        LungUNetSegError: The CT is no longer there, or no segment is a lung.
    """
    volume = ct_of(segmentation)
    name = segmentation.GetName()
    scan, _findings = yield from volume_steps(volume)
    masks = yield from lung_mask_steps(segmentation, volume)
    drawn = yield from in_background(lambda: density_map(masks.labels, scan))
    surface = yield from _surface_steps(segmentation, masks)
    if not surface.GetNumberOfPoints():
        raise DataError(_("The segmentation {name} is empty.").format(name=name))
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float) * (-1, -1, 1)  # RAS to LPS
    values = yield from in_background(lambda: _values(drawn, points))
    scalars = numpy_to_vtk(values, deep=True)
    scalars.SetName(SCALARS)
    surface.GetPointData().SetScalars(scalars)
    title = _("{name}, local density").format(name=name)
    node = yield from coloured_volume_steps(drawn, title, DENSITY_COLOURS, (OUTSIDE_HU + 1.0, HIGHEST_HU))
    if not slicer.mrmlScene.IsNodePresent(segmentation):
        slicer.mrmlScene.RemoveNode(node)
        raise DataError(_("The segmentation {name} was removed meanwhile.").format(name=name))
    return node, add_coloured_model(surface, SCALARS, title, DENSITY_COLOURS)


def _values(drawn: Volume, points: FloatArray) -> Any:
    return values_near(drawn, points).astype(np.float32)


def _surface_steps(segmentation: vtkMRMLSegmentationNode, masks: LungMasks) -> Generator[None, None, vtkPolyData]:
    """Return the lungs' surfaces in RAS mm: the segmentation's own where it has them, as making them takes a while."""
    joined = vtkAppendPolyData()
    joined.AddInputData(vtkPolyData())
    content = segmentation.GetSegmentation()
    own = [content.GetSegment(key).GetRepresentation(CLOSED_SURFACE) for key in lung_segments(segmentation)]
    if all(each is not None for each in own):
        for each in own:
            joined.AddInputData(each)
    else:
        small = thinned(masks.labels, SURFACE_MM)
        for segment in masks.segments:
            joined.AddInputData(surface_to_ras(make_surface(small, segment.label)))
            yield
    joined.Update()
    surface = vtkPolyData()
    surface.ShallowCopy(joined.GetOutput())
    return surface


def _show(
    segmentation: vtkMRMLSegmentationNode, node: vtkMRMLScalarVolumeNode, model: vtkMRMLModelNode
) -> LocalDensity:
    overlay = Overlay(node)
    for each in (node, model):
        each.SetAndObserveTransformNodeID(segmentation.GetTransformNodeID())
        add_legend(each, DENSITY_COLOURS)
    segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    shown = LocalDensity(
        segmentation, node, model, overlay, bool(display.GetVisibility2DFill()), bool(display.GetVisibility3D())
    )
    display.SetVisibility2DFill(False)
    display.SetVisibility3D(False)
    return shown
