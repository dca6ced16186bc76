"""Makes the four views of a user's scene, of Slicer's own classes, and moves them as mouse, keyboard and page ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from slicer import vtkMRMLCrosshairNode, vtkMRMLLayerDisplayableManager
from trame_slicer.views import ScheduledRenderStrategy, SliceView, ThreeDView, ViewProps
from vtk import vtkCommand, vtkImageData, vtkMatrix4x4
from vtk.util.numpy_support import vtk_to_numpy

from LungUNetSegSlicer.server.offscreen import SliceSpec
from LungUNetSegSlicer.server.picture import AXIAL, CORONAL, SAGITTAL

SLICES: dict[str, SliceSpec] = {"axial": AXIAL, "coronal": CORONAL, "sagittal": SAGITTAL}
VOLUME = "volume"
NAMES = (*SLICES, VOLUME)
"""The views; a picture says by its number here of which one it is."""

MOST_PIXELS = 900 * 900
"""Largest size of a view; larger ones are drawn smaller and enlarged by the page."""

START_PIXELS = 400
DEGREES_PER_PIXEL = 0.4
ZOOM_PER_PIXEL = 0.006
HU_PER_PIXEL = 4.0
BACKGROUND = ("#101216", "#2b303a")

Colours = npt.NDArray[np.uint8]


class _Mark(ScheduledRenderStrategy):
    """Notes that a view changed; it is drawn when its picture is wanted."""

    def __init__(self, mark: Callable[[], None]) -> None:
        super().__init__()
        self._mark = mark

    def schedule_render(self) -> None:
        """Note it."""
        self._mark()


@dataclass(frozen=True)
class Place:
    """Where a slice view is.

    Attributes:
        index: Of the slice, from 0.
        count: Of slices.
        position_mm: Of the slice: towards the head, the front, the left.
    """

    index: int
    count: int
    position_mm: float


class Views:
    """Three slice views and a 3D view.

    Args:
        core: What `server.start` returned.
        changed: Called with the name of a view that looks different now.
    """

    def __init__(self, core: Any, changed: Callable[[str], None]) -> None:
        self._core = core
        self.volume_node: Any = None
        self._moved: set[str] = set()
        place = core.scene, core.app_logic
        self._slices = {
            name: SliceView(*place, spec.tag, scheduled_render_strategy=_Mark(partial(changed, name)))
            for name, spec in SLICES.items()
        }
        self._volume = ThreeDView(*place, "1", scheduled_render_strategy=_Mark(partial(changed, VOLUME)))
        self._volume.set_view_properties(ViewProps(background_color=BACKGROUND, box_visible=False))
        # Both take most of the time where a processor draws, and lungs that are not transparent look the same.
        self._volume.renderer().SetUseDepthPeeling(False)
        self._volume.renderer().SetUseDepthPeelingForVolumes(False)
        for name, view in self._all().items():
            view.render_window().SetMultiSamples(4 if name == VOLUME else 0)
            view.update_size(START_PIXELS, START_PIXELS)
        for name, spec in SLICES.items():
            self._slices[name].set_view_properties(ViewProps(orientation=spec.orientation))
        self._crosshair = core.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        self._crosshair.SetCrosshairThickness(vtkMRMLCrosshairNode.Fine)
        self._picture = vtkImageData()
        self._touched = changed

    def _all(self) -> dict[str, Any]:
        return {**self._slices, VOLUME: self._volume}

    def show(self, volume_node: Any) -> None:
        """Show a CT, whole, at its middle."""
        self.volume_node = volume_node
        for view in self._slices.values():
            view.set_background_volume_id(volume_node.GetID() if volume_node else None)
        self.fit()

    def lay_over(self, volume_node: Any, opacity: float) -> None:
        """Show a volume over the CT's slices; nothing, given None."""
        for view in self._slices.values():
            view.set_foreground_volume_id(volume_node.GetID() if volume_node else None)
            view.set_foreground_opacity(opacity)

    def fit(self) -> None:
        """Show the whole CT, and the lungs from the front."""
        self._moved.clear()
        bounds = [0.0] * 6
        if self.volume_node is not None:
            self.volume_node.GetRASBounds(bounds)
        middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
        for view in self._slices.values():
            view.fit_view_to_content()
        self._go_to(middle, SLICES)
        self.face()

    def face(self) -> None:
        """Look at the lungs from the front."""
        self._volume.fit_view_to_content()
        self._volume.reset_camera()
        self._volume.renderer().ResetCameraClippingRange()
        self._touched(VOLUME)

    def resize(self, name: str, width: int, height: int) -> None:
        """Give a view the size that it has on the page, in pixels."""
        shrink = min(1.0, (MOST_PIXELS / max(1, width * height)) ** 0.5)
        size = [max(32, int(each * shrink)) for each in (width, height)]
        view = self._all()[name]
        if list(view.render_window().GetSize()) == size:
            return
        view.update_size(*size)
        # A slice view waits for this event, which VTK sends before the window has its new size.
        view.interactor().InvokeEvent(vtkCommand.WindowResizeEvent)
        if name in SLICES and name not in self._moved:
            offset = view.get_slice_value()
            view.fit_view_to_content()
            view.set_slice_value(offset)
        self._touched(name)

    def place(self, name: str) -> Place:
        """Return where a slice view is."""
        view = self._slices[name]
        (low, high), step = view.get_slice_range(), view.get_slice_step()
        count = max(1, round((high - low) / step) + 1) if self.volume_node is not None else 1
        value = view.get_slice_value()
        index = min(max(round((value - low) / step), 0), count - 1)
        return Place(index, count, value)

    def go(self, name: str, index: int) -> None:
        """Show a slice by its number from 0."""
        view = self._slices[name]
        count = self.place(name).count
        view.set_slice_value(view.get_slice_range()[0] + min(max(index, 0), count - 1) * view.get_slice_step())

    def jump(self, ras: tuple[float, float, float]) -> None:
        """Show a position in all slices."""
        self._go_to(ras, SLICES)
        if self._crosshair.GetCrosshairMode() != vtkMRMLCrosshairNode.NoCrosshair:
            self._crosshair.SetCrosshairRAS(*ras)

    def point(self, name: str, x: float, y: float) -> None:
        """Show the position under a point of a slice view in the others; 0 to 1 from its upper left corner."""
        node = self._slices[name].get_view_node()
        width, height, _ = node.GetDimensions()
        to_ras: vtkMatrix4x4 = node.GetXYToRAS()
        ras = to_ras.MultiplyPoint((x * width, (1 - y) * height, 0.0, 1.0))[:3]
        self._go_to(ras, [each for each in SLICES if each != name])
        self._crosshair.SetCrosshairRAS(*ras)

    def _go_to(self, ras: Sequence[float], names: Iterable[str]) -> None:
        """Show the slices that hold a position: whole ones, as their numbers say, and not a plane between two."""
        for name in names:
            self._slices[name].get_view_node().JumpSliceByOffsetting(*ras)
            self.go(name, self.place(name).index)

    def show_crosshair(self, is_shown: bool) -> None:
        """Show or hide the crosshair."""
        kind = vtkMRMLCrosshairNode.ShowBasic if is_shown else vtkMRMLCrosshairNode.NoCrosshair
        self._crosshair.SetCrosshairMode(kind)
        for name in SLICES:
            self._touched(name)

    def drag(self, name: str, tool: str, dx: float, dy: float) -> None:
        """Move a view by a drag of (dx, dy) pixels to the right and down."""
        if name == VOLUME:
            self._drag_volume(tool, dx, dy)
        elif tool == "zoom":
            self._moved.add(name)
            self._slices[name].zoom(_zoom(dy))
        elif tool == "pan":
            self._moved.add(name)
            node = self._slices[name].get_view_node()
            per_pixel = _mm_per_pixel(node)
            x, y, z = node.GetXYZOrigin()
            node.SetXYZOrigin(x - dx * per_pixel, y + dy * per_pixel, z)
        elif tool == "window" and self.volume_node is not None:
            display = self.volume_node.GetDisplayNode()
            width = max(1.0, display.GetWindow() + HU_PER_PIXEL * dx)
            display.SetWindowLevel(width, display.GetLevel() + HU_PER_PIXEL * dy)

    def _drag_volume(self, tool: str, dx: float, dy: float) -> None:
        camera = self._volume.renderer().GetActiveCamera()
        if tool == "zoom":
            self._volume.zoom(_zoom(dy))
        elif tool == "pan":
            height = max(1, self._volume.render_window().GetSize()[1])
            per_pixel = 2 * camera.GetDistance() * np.tan(np.radians(camera.GetViewAngle() / 2)) / height
            up = np.array(camera.GetViewUp())
            right = np.cross(camera.GetDirectionOfProjection(), up)
            shift = per_pixel * (dy * up - dx * right)
            camera.SetFocalPoint(*(np.array(camera.GetFocalPoint()) + shift))
            camera.SetPosition(*(np.array(camera.GetPosition()) + shift))
        else:
            camera.Azimuth(-dx * DEGREES_PER_PIXEL)
            camera.Elevation(dy * DEGREES_PER_PIXEL)
            camera.OrthogonalizeViewUp()
        self._volume.renderer().ResetCameraClippingRange()
        self._touched(VOLUME)

    def draw(self, name: str) -> Colours:
        """Draw a view; return (row, column, RGB), rows from the top."""
        view = self._all()[name]
        view.render()
        vtkMRMLLayerDisplayableManager.RenderWindowBufferToImage(view.render_window(), self._picture)
        width, height, _ = self._picture.GetDimensions()
        pixels = vtk_to_numpy(self._picture.GetPointData().GetScalars()).reshape(height, width, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])


def view_name(name: Any) -> str:
    """Return a name if it is one of a view; raise ValueError if it is not."""
    if name not in NAMES:
        raise ValueError("no such view")
    return str(name)


def slice_name(name: Any) -> str:
    """Return a name if it is one of a slice view; raise ValueError if it is not."""
    if name not in SLICES:
        raise ValueError("no such slice view")
    return str(name)


def _mm_per_pixel(node: Any) -> float:
    return float(node.GetFieldOfView()[0] / max(1, node.GetDimensions()[0]))


def _zoom(dy: float) -> float:
    return float(np.clip(-dy * ZOOM_PER_PIXEL, -0.5, 0.5))
