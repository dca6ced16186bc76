"""Draws pictures of a segmented CT off screen with Slicer's own views. For servers; needs no display."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from vtk import vtkTextActor

from LungUNetSegSlicer.scene.volume_bridge import box_ras, show_lung_window
from LungUNetSegSlicer.server.offscreen import (
    SliceSpec,
    aim,
    ct_below,
    draw,
    face,
    require_graphics,
    save_png,
    slice_view,
    three_d_view,
    tiled,
    write_text,
)

MARGIN = 1.3
"""Side of the square that the slices show, as a multiple of the longest side of the lungs' bounding box."""

AXIAL = SliceSpec("Red", "#F34A33", "Axial", "R", "L", "Axial")
CORONAL = SliceSpec("Green", "#6EB04B", "Coronal", "R", "L", "Coronal")
SAGITTAL = SliceSpec("Yellow", "#EDD54C", "Sagittal", "A", "P", "Sagittal")
THREE_D_COLOUR = "#7474D2"


def render_views(
    core: Any,
    volume_node: vtkMRMLScalarVolumeNode,
    segmentation_node: vtkMRMLSegmentationNode,
    legend: Mapping[str, str],
    path: Path,
) -> None:
    """Write a PNG with axial, 3D, coronal and sagittal views of a CT and its segments, as in Slicer's four-up layout.

    The slice views and the camera stay in the scene under Slicer's tags: saved, it opens in Slicer as drawn here.

    Args:
        core: What `server.start` returned.
        volume_node: The CT; it gets the lung window.
        segmentation_node: Its segments, with closed surfaces for the 3D view.
        legend: What to write for each segment ID, in the segment's colour. The sagittal slice goes through the middle
            of the first segment.
        path: The file to write.

    Raises:
        MissingDependencyError: The machine has no OpenGL.
        WriteError: The file cannot be written.
    """
    require_graphics()
    middle, size_mm = box_ras(segmentation_node)
    if size_mm.min() < 0:
        middle, size_mm = box_ras(volume_node)
    first = segmentation_node.GetSegmentCenterRAS(next(iter(legend)))
    _set_display(volume_node, segmentation_node)
    with ct_below([segmentation_node]):
        views = _views(core)
        for view, centre in ((views.axial, middle), (views.coronal, middle), (views.sagittal, first or middle)):
            aim(view, volume_node, centre, size_mm.max() * MARGIN)
    views.write_legend(legend, segmentation_node)
    face(views.surfaces)
    upper = [draw(views.axial, AXIAL.colour), draw(views.surfaces, THREE_D_COLOUR)]
    lower = [draw(views.coronal, CORONAL.colour), draw(views.sagittal, SAGITTAL.colour)]
    save_png(tiled([upper, lower]), path)


class _Views:
    """The four views of a scene. They are made once, because a shown view is never removed from its scene."""

    def __init__(self, core: Any) -> None:
        self.axial, self.coronal, self.sagittal = (slice_view(core, each) for each in (AXIAL, CORONAL, SAGITTAL))
        self.surfaces = three_d_view(core, "1", "From the front")
        self._legend: list[vtkTextActor] = []

    def write_legend(self, legend: Mapping[str, str], segmentation_node: vtkMRMLSegmentationNode) -> None:
        """Write a line for each segment into the 3D view; the lines replace those of an earlier drawing."""
        renderer = self.surfaces.renderer()
        for actor in self._legend:
            renderer.RemoveViewProp(actor)
        segments = segmentation_node.GetSegmentation()
        lines = enumerate(reversed(list(legend.items())))
        self._legend = [
            write_text(renderer, text, (0.04, 0.04 + 0.055 * line), segments.GetSegment(segment_id).GetColor(), 28)
            for line, (segment_id, text) in lines
        ]


_views = cache(_Views)


def _set_display(volume_node: vtkMRMLScalarVolumeNode, segmentation_node: vtkMRMLSegmentationNode) -> None:
    show_lung_window(volume_node)
    segments = segmentation_node.GetDisplayNode()
    segments.SetOpacity2DFill(0.3)
    segments.SetSliceIntersectionThickness(2)
