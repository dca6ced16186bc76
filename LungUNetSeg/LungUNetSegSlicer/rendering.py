"""Pictures of a segmented CT, drawn off screen by Slicer's own slice and 3D views. For servers; needs no display."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from vtk import vtkImageData, vtkPNGWriter, vtkTextActor, vtkWindowToImageFilter
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LungUNetSegLib.errors import MissingDependencyError, WriteError

TILE = 720
"""Width and height of each of the four pictures, in pixels."""

GAP = 4
"""Between the pictures, in pixels."""

STRIP = 8
"""Height of the strip over each picture that has the view's colour in Slicer, in pixels."""

LUNG_WINDOW_HU = (1500.0, -600.0)
"""Width and centre of the grey scale in which radiologists read lungs."""

MARGIN = 1.3
"""The slices show a square of the longest side of the box around the lungs, times this."""

_DRAW_NOTHING = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderWindow
window = vtkRenderWindow()
window.SetOffScreenRendering(True)
window.Render()
"""

WHITE = (0.92, 0.92, 0.92)
AMBER = (1.0, 0.82, 0.30)


@dataclass(frozen=True)
class _SliceView:
    """One slice view: its tag and colour in Slicer, the plane, and the sides of the patient at its edges."""

    tag: str
    colour: tuple[float, float, float]
    orientation: str
    left_edge: str
    right_edge: str


AXIAL = _SliceView("Red", (0.95, 0.29, 0.20), "Axial", "R", "L")
CORONAL = _SliceView("Green", (0.43, 0.68, 0.29), "Coronal", "R", "L")
SAGITTAL = _SliceView("Yellow", (0.93, 0.84, 0.30), "Sagittal", "A", "P")
THREE_D_COLOUR = (0.46, 0.46, 0.82)


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
    _require_graphics()
    middle, size_mm = _box_ras(volume_node, segmentation_node)
    first = segmentation_node.GetSegmentCenterRAS(next(iter(legend)))
    _set_display(volume_node, segmentation_node)
    # A slice view draws in the order in which things were added to it, and the CT must come first.
    display_id = segmentation_node.GetDisplayNodeID()
    segmentation_node.SetAndObserveDisplayNodeID(None)
    views = _views(core)
    for view, centre in ((views.axial, middle), (views.coronal, middle), (views.sagittal, first or middle)):
        _aim(view, volume_node, centre, size_mm * MARGIN)
    segmentation_node.SetAndObserveDisplayNodeID(display_id)
    views.write_legend(legend, segmentation_node)
    _face(views.surfaces)
    picture = _four_up(
        _picture(views.axial, AXIAL.colour), _picture(views.surfaces, THREE_D_COLOUR),
        _picture(views.coronal, CORONAL.colour), _picture(views.sagittal, SAGITTAL.colour),
    )  # fmt: skip
    _save(picture, path)


class _Views:
    """The four views of a scene. They are made once, for a view that was shown never leaves its scene again."""

    def __init__(self, core: Any) -> None:
        self.axial, self.coronal, self.sagittal = (_slice_view(core, each) for each in (AXIAL, CORONAL, SAGITTAL))
        self.surfaces = _three_d_view(core)
        self._legend: list[vtkTextActor] = []

    def write_legend(self, legend: Mapping[str, str], segmentation_node: vtkMRMLSegmentationNode) -> None:
        """Write a line for each segment into the 3D view, in place of those of an earlier drawing."""
        for actor in self._legend:
            self.surfaces.renderer().RemoveViewProp(actor)
        segments = segmentation_node.GetSegmentation()
        lines = enumerate(reversed(list(legend.items())))
        self._legend = [
            _write(self.surfaces, text, (0.04, 0.04 + 0.055 * line), segments.GetSegment(segment_id).GetColor(), 28)
            for line, (segment_id, text) in lines
        ]


_views = cache(_Views)


def _require_graphics() -> None:
    """Try in a child: where there is no OpenGL, VTK ends the process instead of raising an error."""
    if subprocess.run([sys.executable, "-c", _DRAW_NOTHING], capture_output=True, check=False).returncode:
        raise MissingDependencyError(
            "This machine cannot draw pictures: it has no OpenGL. On Debian and Ubuntu it is installed with: apt-get "
            "install libegl1 libgl1-mesa-dri"
        )


def _box_ras(
    volume_node: vtkMRMLScalarVolumeNode, segmentation_node: vtkMRMLSegmentationNode
) -> tuple[tuple[float, ...], float]:
    """Return middle and longest side (mm) of the box around the segments; around the CT where they are empty."""
    bounds = np.empty(6)
    segmentation_node.GetRASBounds(bounds)
    if bounds[0] > bounds[1]:
        volume_node.GetRASBounds(bounds)
    low, high = bounds[::2], bounds[1::2]
    return tuple((low + high) / 2), float((high - low).max())


def _set_display(volume_node: vtkMRMLScalarVolumeNode, segmentation_node: vtkMRMLSegmentationNode) -> None:
    window = volume_node.GetDisplayNode()
    window.SetAutoWindowLevel(False)
    window.SetWindowLevel(*LUNG_WINDOW_HU)
    segments = segmentation_node.GetDisplayNode()
    segments.SetOpacity2DFill(0.3)
    segments.SetSliceIntersectionThickness(2)


def _slice_view(core: Any, spec: _SliceView) -> Any:
    from trame_slicer.views import NoScheduleRendering, SliceView, ViewProps

    view = SliceView(core.scene, core.app_logic, spec.tag, scheduled_render_strategy=NoScheduleRendering())
    view.set_view_properties(ViewProps(orientation=spec.orientation))
    view.render_window().SetSize(TILE, TILE)
    _write(view, spec.orientation, (0.03, 0.93), WHITE)
    _write(view, spec.left_edge, (0.03, 0.48), AMBER, size=30)
    _write(view, spec.right_edge, (0.94, 0.48), AMBER, size=30)
    return view


def _aim(view: Any, volume_node: vtkMRMLScalarVolumeNode, centre: tuple[float, ...], size_mm: float) -> None:
    """Show the slice of a CT through `centre`, and of it a square of `size_mm`."""
    view.set_background_volume_id(volume_node.GetID())
    view.fit_view_to_content()
    node = view.get_view_node()
    node.SetFieldOfView(size_mm, size_mm, node.GetFieldOfView()[2])
    node.JumpSliceByCentering(*centre)


def _three_d_view(core: Any) -> Any:
    from trame_slicer.views import NoScheduleRendering, ThreeDView, ViewProps

    view = ThreeDView(core.scene, core.app_logic, "1", scheduled_render_strategy=NoScheduleRendering())
    view.set_view_properties(ViewProps(background_color=("#15171c", "#3a3f4a"), box_visible=False))
    view.render_window().SetSize(TILE, TILE)
    _write(view, "From the front", (0.03, 0.93), WHITE)
    return view


def _face(view: Any) -> None:
    """Look at all surfaces from the front."""
    view.fit_view_to_content()
    view.reset_camera()  # Again, for the first one fitted the view from where the camera was.
    view.zoom(-0.1)  # Room for the legend.


def _write(
    view: Any, text: str, at: tuple[float, float], colour: tuple[float, ...], size: int = 26
) -> vtkTextActor:
    """Write into a view; `at` is the text's lower left corner, from 0 to 1 along width and height."""
    actor = vtkTextActor()
    actor.SetInput(text)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(*at)
    style = actor.GetTextProperty()
    style.SetFontSize(size)
    style.SetColor(*colour)
    style.BoldOn()
    style.ShadowOn()
    view.renderer().AddViewProp(actor)
    return actor


def _picture(view: Any, colour: tuple[float, float, float]) -> npt.NDArray[np.uint8]:
    """Draw a view; return (row, column, RGB) with rows from the bottom up, as VTK has them."""
    view.render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(view.render_window())
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[..., :3].copy()
    pixels[-STRIP:] = np.rint(np.multiply(colour, 255))
    return pixels


def _four_up(
    top_left: npt.NDArray[np.uint8],
    top_right: npt.NDArray[np.uint8],
    bottom_left: npt.NDArray[np.uint8],
    bottom_right: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    picture = np.zeros((2 * TILE + GAP, 2 * TILE + GAP, 3), np.uint8)
    picture[-TILE:, :TILE] = top_left
    picture[-TILE:, -TILE:] = top_right
    picture[:TILE, :TILE] = bottom_left
    picture[:TILE, -TILE:] = bottom_right
    return picture


def _save(picture: npt.NDArray[np.uint8], path: Path) -> None:
    image = vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(picture.reshape(-1, 3)))
    writer = vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
    if writer.GetErrorCode():
        raise WriteError(f"The picture {path} cannot be written. Choose another place, or free some room there.")
