"""Shows numbers as colours with a legend: on a surface in 3D, and over the slices of a CT."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import slicer
from slicer import vtkMRMLColorLegendDisplayNode, vtkMRMLModelNode, vtkMRMLScalarVolumeNode
from vtk import vtkColorTransferFunction, vtkPolyData

from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.scene.volume_bridge import add_volume_steps

Rgb = tuple[float, float, float]

BLUE, WHITE, RED = (0.13, 0.40, 0.67), (0.97, 0.97, 0.97), (0.70, 0.09, 0.17)
"""ColorBrewer's RdBu, safe for colour-blind users."""

OVERLAY_OPACITY = 0.6

MAP_ATTRIBUTE = "LungUNetSeg.Map"
"""Marks the volumes of this file, which are no scans."""


@dataclass(frozen=True, kw_only=True)
class ColourMap:
    """Which colour a number has.

    Attributes:
        name: Of the colour node, one for all nodes of a scene.
        points: (value, RGB), rising; what lies beyond has the colour of the end.
        unit: Title of the legend.
        number_format: Of the legend's numbers, as in C.
    """

    name: str
    points: Sequence[tuple[float, Rgb]]
    unit: str
    number_format: str

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that have a colour of their own."""
        return self.points[0][0], self.points[-1][0]

    def ramp(self) -> vtkColorTransferFunction:
        """Return the colours for VTK."""
        ramp = vtkColorTransferFunction()
        for value, colour in self.points:
            ramp.AddRGBPoint(value, *colour)
        return ramp

    def node(self) -> slicer.vtkMRMLProceduralColorNode:
        """Return the colours' node of the scene."""
        found = slicer.mrmlScene.GetFirstNode(self.name, "vtkMRMLProceduralColorNode")
        if found:
            return found
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLProceduralColorNode", self.name)
        node.SetAndObserveColorTransferFunction(self.ramp())
        return node


def add_coloured_model(surface: vtkPolyData, scalars: str, name: str, colours: ColourMap) -> vtkMRMLModelNode:
    """Add a surface in RAS mm to the scene, coloured by its point scalars; it is not drawn in slices."""
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
    model.SetAndObservePolyData(surface)
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    display.SetActiveScalarName(scalars)
    display.SetAndObserveColorNodeID(colours.node().GetID())
    display.SetScalarRangeFlag(display.UseManualScalarRange)
    display.SetScalarRange(*colours.ends)
    display.SetScalarVisibility(True)
    display.SetVisibility2D(False)
    return model


def coloured_volume_steps(
    volume: Volume, name: str, colours: ColourMap, shown: tuple[float, float]
) -> Generator[None, None, vtkMRMLScalarVolumeNode]:
    """Add numbers on a grid to the scene, to be laid over a CT; those outside `shown` are clear.

    Args:
        volume: The numbers.
        name: Of the node.
        colours: Of the numbers.
        shown: The lowest and the highest value that are drawn.
    """
    node = yield from add_volume_steps(volume, name, colours.ends)
    node.SetAttribute(MAP_ATTRIBUTE, colours.name)
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colours.node().GetID())
    display.SetInterpolate(False)  # at the lungs' edge it would mix with what lies outside
    display.SetThreshold(*shown)
    display.SetApplyThreshold(True)
    return node


def add_legend(node: Any, colours: ColourMap) -> None:
    """Add a scalar bar beside a coloured model or volume, as the module Colors does; a second call changes nothing.

    A view only draws legends that are added while it exists, and shows what they are about
    (vtkMRMLColorLegendDisplayableManager): a volume is laid over the slices first.
    """
    display = node.GetDisplayNode()
    if node.GetScene() is None or node.GetNumberOfDisplayNodes() > 1:
        return
    legend = vtkMRMLColorLegendDisplayNode()  # by its class, whose name scenes without the module Colors do not know
    legend.SetName(f"{node.GetName()} legend")
    slicer.mrmlScene.AddNode(legend)
    legend.SetAndObservePrimaryDisplayNode(display)
    legend.SetAndObserveColorNodeID(display.GetColorNodeID())
    node.AddAndObserveDisplayNodeID(legend.GetID())
    legend.SetTitleText(colours.unit)
    legend.SetLabelFormat(colours.number_format)
    legend.SetNumberOfLabels(5)


def remove_coloured(node: Any) -> None:
    """Remove a coloured model or volume from the scene, with its displays and legend; one that is gone is ignored."""
    if slicer.mrmlScene.IsNodePresent(node):
        for index in reversed(range(node.GetNumberOfDisplayNodes())):
            slicer.mrmlScene.RemoveNode(node.GetNthDisplayNode(index))
        slicer.mrmlScene.RemoveNode(node)


def scans_of_scene() -> list[vtkMRMLScalarVolumeNode]:
    """Return the scene's scans: its volumes without label maps, the maps of this file, and what modules hide."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")  # label maps are scalar volumes too
    return [
        each
        for each in nodes
        if each.GetClassName() == "vtkMRMLScalarVolumeNode"
        and each.GetAttribute(MAP_ATTRIBUTE) is None
        and not each.GetHideFromEditors()
    ]


class Overlay:
    """Lays a volume over what slice views show, until `remove`, which restores what lay there before.

    Args:
        volume: What to lay over.
        composites: The views' composite nodes; of all slice views without it.
    """

    def __init__(self, volume: vtkMRMLScalarVolumeNode, composites: Sequence[Any] | None = None) -> None:
        self._volume = volume
        self._before = []
        for each in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode") if composites is None else composites:
            self._before.append((each, each.GetForegroundVolumeID(), each.GetForegroundOpacity()))
            each.SetForegroundVolumeID(volume.GetID())
            each.SetForegroundOpacity(OVERLAY_OPACITY)

    @classmethod
    def of_saved_scene(cls, volume: vtkMRMLScalarVolumeNode) -> Overlay:
        """Return the overlay of a volume that lay over the views when the scene was saved; below it was nothing."""
        views = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        overlay = cls(volume, [])
        overlay._before = [(each, None, 0.0) for each in views if each.GetForegroundVolumeID() == volume.GetID()]
        return overlay

    def remove(self) -> None:
        """Restore the views in which the volume still is."""
        for composite, volume_id, opacity in self._before:
            if composite.GetForegroundVolumeID() == self._volume.GetID():
                composite.SetForegroundVolumeID(volume_id)
                composite.SetForegroundOpacity(opacity)
        self._before = []
