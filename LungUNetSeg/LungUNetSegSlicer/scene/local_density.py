"""Shows the map of local density of a segmentation's lungs: over the slices, and on their surface in 3D."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
from slicer import vtkMRMLModelNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from vtk import vtkAppendPolyData, vtkPolyData
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.measures.density_map import OUTSIDE_HU, density_map, values_near
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume, bounding_box
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
from LungUNetSegSlicer.scene.lung_masks import LungMasks, ct_of, lung_mask_steps
from LungUNetSegSlicer.scene.lung_segments import lung_segments
from LungUNetSegSlicer.scene.segmentation_node import CLOSED_SURFACE
from LungUNetSegSlicer.scene.surfaces import make_surface, thinned
from LungUNetSegSlicer.scene.volume_bridge import points_of_surface_lps, surface_to_ras, volume_steps, voxels

DENSITY_COLOURS = ColourMap(
    name="LocalDensity",
    points=((-1000.0, BLUE), (-800.0, WHITE), (-600.0, RED)),
    unit="HU",
    number_format="%.0f",
)
"""Blue where there is less tissue than in healthy lung at inspiration, red where there is more."""

SCALARS = "LocalDensityHU"
"""The model's point scalars."""

LUNG = "Lung"
"""The model's point array that says of which lung each point is: 1 or 2, as in a label map."""

SURFACE_MM = 3.0
"""Size of the surface's voxels, where it has to be made: fine enough for means over 10 mm, and no step takes long."""

VOLUME_ROLE, MODEL_ROLE = "LungUNetSeg.DensityVolume", "LungUNetSeg.DensityModel"
"""Roles of the node references from a segmentation to its map while that is shown; they are saved with the scene."""

_BEFORE_ATTRIBUTE = "LungUNetSeg.ShownBefore"
"""Attribute of the map: whether the segmentation showed its fill and its surfaces before."""

SHOWN_HU = OUTSIDE_HU + 1.0, float(np.iinfo(np.int16).max)
"""The values that are drawn."""


class DensityNodes:
    """A map in the scene, each lung of which can be hidden.

    Args:
        volume: The map.
        model: The lungs' surface; its points have `SCALARS` and `LUNG`.
        labels: Which lung each voxel is, (slice, row, column): 1 or 2.
    """

    def __init__(self, volume: vtkMRMLScalarVolumeNode, model: vtkMRMLModelNode, labels: npt.NDArray[np.uint8]) -> None:
        self.volume, self.model = volume, model
        self._hidden: frozenset[int] = frozenset()
        self._lungs = []
        for label in (RIGHT_LUNG, LEFT_LUNG):
            box = bounding_box(labels == label)
            inside = labels[box] == label
            self._lungs.append((label, box, inside, voxels(volume)[box][inside]))
        self._point_values = self._points(SCALARS).copy()

    def hide(self, labels: Collection[int]) -> None:
        """Hide these lungs and show the others: hidden ones get a value that is not drawn."""
        if self._hidden == set(labels):
            return
        self._hidden = frozenset(labels)
        values = voxels(self.volume)
        for label, box, inside, own in self._lungs:
            values[box][inside] = OUTSIDE_HU if label in labels else own
        self.volume.GetImageData().Modified()
        is_hidden = np.isin(self._points(LUNG), list(labels))
        self._points(SCALARS)[:] = np.where(is_hidden, OUTSIDE_HU, self._point_values)
        self.model.GetPolyData().GetPointData().GetArray(SCALARS).Modified()
        self.model.GetDisplayNode().SetThresholdEnabled(bool(labels))
        self.model.GetPolyData().Modified()

    def _points(self, name: str) -> npt.NDArray[Any]:
        return vtk_to_numpy(self.model.GetPolyData().GetPointData().GetArray(name))


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
        for role in (VOLUME_ROLE, MODEL_ROLE):
            self.segmentation.RemoveNodeReferenceIDs(role)
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
    nodes = yield from density_node_steps(segmentation)
    return _show(segmentation, nodes.volume, nodes.model)


def shown_density(segmentation: vtkMRMLSegmentationNode) -> LocalDensity | None:
    """Return the map that a segmentation shows, as in a scene that was saved with it; None without one."""
    volume, model = (segmentation.GetNodeReference(role) for role in (VOLUME_ROLE, MODEL_ROLE))
    if volume is None or model is None:
        return None
    fill, surfaces = json.loads(volume.GetAttribute(_BEFORE_ATTRIBUTE))
    return LocalDensity(segmentation, volume, model, Overlay.of_saved_scene(volume), fill, surfaces)


def density_node_steps(
    segmentation: vtkMRMLSegmentationNode,
) -> Generator[None, None, DensityNodes]:
    """Compute the map of a segmentation's lungs, as they are now; add it to the scene at the end.

    Returns:
        The nodes: no view shows the map yet; the lungs' surface is visible.

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
    points = points_of_surface_lps(surface)
    values = yield from in_background(lambda: _values(drawn, points))
    scalars = numpy_to_vtk(values, deep=True)
    scalars.SetName(SCALARS)
    surface.GetPointData().SetScalars(scalars)
    title = _("{name}, local density").format(name=name)
    node = yield from coloured_volume_steps(drawn, title, DENSITY_COLOURS, SHOWN_HU)
    if not slicer.mrmlScene.IsNodePresent(segmentation):
        slicer.mrmlScene.RemoveNode(node)
        raise DataError(_("The segmentation {name} was removed meanwhile.").format(name=name))
    model = add_coloured_model(surface, SCALARS, title, DENSITY_COLOURS)
    model.GetDisplayNode().SetThresholdRange(*SHOWN_HU)
    return DensityNodes(node, model, masks.labels.array)


def _values(drawn: Volume, points: FloatArray) -> Any:
    return values_near(drawn, points).astype(np.float32)


def _surface_steps(segmentation: vtkMRMLSegmentationNode, masks: LungMasks) -> Generator[None, None, vtkPolyData]:
    """Return the lungs' surfaces in RAS mm: the segmentation's own where it has them, as making them takes a while."""
    joined = vtkAppendPolyData()
    joined.AddInputData(vtkPolyData())
    content, sides = segmentation.GetSegmentation(), lung_segments(segmentation)
    own = [(label, content.GetSegment(key).GetRepresentation(CLOSED_SURFACE)) for key, label in sides.items()]
    if all(surface is not None for _label, surface in own):
        for label, surface in own:
            joined.AddInputData(_of_lung(surface, LEFT_LUNG if label == LEFT_LUNG else RIGHT_LUNG))
    else:
        small = thinned(masks.labels, SURFACE_MM)
        for segment in masks.segments:
            joined.AddInputData(_of_lung(surface_to_ras(make_surface(small, segment.label)), segment.label))
            yield
    joined.Update()
    surface = vtkPolyData()
    surface.ShallowCopy(joined.GetOutput())
    return surface


def _of_lung(surface: vtkPolyData, label: int) -> vtkPolyData:
    """Return a copy of a surface whose points say which lung they are of."""
    copy = vtkPolyData()
    copy.ShallowCopy(surface)
    lung = numpy_to_vtk(np.full(surface.GetNumberOfPoints(), label, np.uint8), deep=True)
    lung.SetName(LUNG)
    copy.GetPointData().AddArray(lung)
    return copy


def _show(
    segmentation: vtkMRMLSegmentationNode, node: vtkMRMLScalarVolumeNode, model: vtkMRMLModelNode
) -> LocalDensity:
    overlay = Overlay(node)
    for each in (node, model):
        each.SetAndObserveTransformNodeID(segmentation.GetTransformNodeID())
        add_legend(each, DENSITY_COLOURS)
    segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    fill, surfaces = bool(display.GetVisibility2DFill()), bool(display.GetVisibility3D())
    node.SetAttribute(_BEFORE_ATTRIBUTE, json.dumps([fill, surfaces]))
    segmentation.SetNodeReferenceID(VOLUME_ROLE, node.GetID())
    segmentation.SetNodeReferenceID(MODEL_ROLE, model.GetID())
    shown = LocalDensity(segmentation, node, model, overlay, fill, surfaces)
    display.SetVisibility2DFill(False)
    display.SetVisibility3D(False)
    return shown
