"""Draws Slicer's own slice and 3D views off screen into pictures. For servers; needs no display."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vtk import vtkImageData, vtkPNGWriter, vtkTextActor, vtkWindowToImageFilter
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LungUNetSegLib.errors import MissingDependencyError, WriteError

TILE = 720
"""Width and height of each picture, in pixels."""

GAP = 4
"""Distance of the pictures in pixels."""

STRIP = 8
"""Height of the strip over each picture that has the view's colour in Slicer, in pixels."""

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
class SliceSpec:
    """One slice view: tag and colour (#RRGGBB) in Slicer, plane, the patient's sides at its edges, and title."""

    tag: str
    colour: str
    orientation: str
    left_edge: str
    right_edge: str
    title: str


def require_graphics() -> None:
    """Check in a child process that VTK can draw: without OpenGL it ends the process instead of raising an error.

    Raises:
        MissingDependencyError: The machine has no OpenGL.
    """
    if subprocess.run([sys.executable, "-c", _DRAW_NOTHING], capture_output=True, check=False).returncode:
        raise MissingDependencyError(
            "This machine cannot draw pictures: it has no OpenGL. On Debian and Ubuntu install it with: apt-get "
            "install libegl1 libgl1-mesa-dri"
        )


def slice_view(core: Any, spec: SliceSpec) -> Any:
    """Return a new slice view of trame-slicer."""
    from trame_slicer.views import NoScheduleRendering, SliceView, ViewProps

    view = SliceView(core.scene, core.app_logic, spec.tag, scheduled_render_strategy=NoScheduleRendering())
    view.set_view_properties(ViewProps(orientation=spec.orientation))
    view.render_window().SetSize(TILE, TILE)
    write_text(view.renderer(), spec.title, (0.03, 0.93), WHITE)
    write_text(view.renderer(), spec.left_edge, (0.03, 0.48), AMBER, size=30)
    write_text(view.renderer(), spec.right_edge, (0.94, 0.48), AMBER, size=30)
    return view


def three_d_view(core: Any, tag: str, title: str) -> Any:
    """Return a new 3D view of trame-slicer."""
    from trame_slicer.views import NoScheduleRendering, ThreeDView, ViewProps

    view = ThreeDView(core.scene, core.app_logic, tag, scheduled_render_strategy=NoScheduleRendering())
    view.set_view_properties(ViewProps(background_color=("#15171c", "#3a3f4a"), box_visible=False))
    view.render_window().SetSize(TILE, TILE)
    write_text(view.renderer(), title, (0.03, 0.93), WHITE)
    return view


def aim(view: Any, volume_node: Any, centre: Iterable[float], size_mm: float) -> None:
    """Show a square of `size_mm` of the CT slice through `centre`."""
    view.set_background_volume_id(volume_node.GetID())
    view.fit_view_to_content()
    node = view.get_view_node()
    node.SetFieldOfView(size_mm, size_mm, node.GetFieldOfView()[2])
    node.JumpSliceByCentering(*centre)


@contextmanager
def ct_below(segmentation_nodes: Sequence[Any]) -> Iterator[None]:
    """Hide segmentations while the views get their CT, as a slice view draws what was added first at the bottom."""
    display_ids = [node.GetDisplayNodeID() for node in segmentation_nodes]
    for node in segmentation_nodes:
        node.SetAndObserveDisplayNodeID(None)
    try:
        yield
    finally:
        for node, display_id in zip(segmentation_nodes, display_ids, strict=True):
            node.SetAndObserveDisplayNodeID(display_id)


def face(view: Any) -> None:
    """Look at all surfaces from the front."""
    view.fit_view_to_content()
    view.reset_camera()  # Again, because the first call fitted the view from the old camera position.
    view.zoom(-0.1)  # Leaves space for the legend.


def write_text(
    renderer: Any, text: str, at: tuple[float, float], colour: tuple[float, ...], size: int = 26
) -> vtkTextActor:
    """Write into a view's renderer; `at` is the text's lower left corner, from 0 to 1 along width and height."""
    actor = vtkTextActor()
    actor.SetInput(text)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(*at)
    style = actor.GetTextProperty()
    style.SetFontSize(size)
    style.SetColor(*colour)
    style.SetBackgroundColor(0, 0, 0)
    style.SetBackgroundOpacity(0.85)  # a shadow, as bright tissue is as bright as the text
    style.BoldOn()
    renderer.AddViewProp(actor)
    return actor


def draw(view: Any, colour: str) -> npt.NDArray[np.uint8]:
    """Draw a view; return (row, column, RGB) with rows from the bottom up, as in VTK."""
    view.render()
    return grab_window(view.render_window(), colour)


def grab_window(window: Any, colour: str) -> npt.NDArray[np.uint8]:
    """Return a window's contents in the form of `draw`."""
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[..., :3].copy()
    pixels[-STRIP:] = list(bytes.fromhex(colour[1:]))
    return pixels


def tiled(rows: Sequence[Sequence[npt.NDArray[np.uint8]]]) -> npt.NDArray[np.uint8]:
    """Arrange drawings in rows from the top, like the views of Slicer's layouts; all rows have the same length."""
    picture = np.zeros((len(rows) * (TILE + GAP) - GAP, len(rows[0]) * (TILE + GAP) - GAP, 3), np.uint8)
    for down, row in enumerate(reversed(rows)):  # from the bottom up
        for across, drawing in enumerate(row):
            top, left = down * (TILE + GAP), across * (TILE + GAP)
            picture[top : top + TILE, left : left + TILE] = drawing
    return picture


def save_png(picture: npt.NDArray[np.uint8], path: Path) -> None:
    """Write a drawing as PNG; raise WriteError if that fails."""
    image = vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(picture.reshape(-1, 3)))
    writer = vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
    if writer.GetErrorCode():
        raise WriteError(f"The picture {path} cannot be written. Choose another folder, or free some disk space.")
