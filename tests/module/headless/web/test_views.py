"""The page's views: what a drag, a click and a new size do to Slicer's slice nodes, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def node_of(views: Any, name: str) -> Any:
    """Return a slice view's node."""
    return views._slices[name].get_view_node()


def test_slices_are_counted_from_the_feet_the_back_and_the_left(views: Any) -> None:
    assert [views.place(name).count for name in ("axial", "coronal", "sagittal")] == [20, 50, 50]
    views.go("axial", 3)
    assert views.place("axial").index == 3 and views.place("axial").position_mm == pytest.approx(15.0)
    views.go("axial", 99)
    assert views.place("axial").index == 19


def test_a_jump_shows_a_position_in_all_planes(views: Any) -> None:
    views.jump((-40.0, -20.0, 15.0))  # RAS: 40 mm left, 20 mm back, 15 mm up
    planes = ("axial", "coronal", "sagittal")
    assert [views.place(name).position_mm for name in planes] == pytest.approx([15.0, -20.0, 40.0], abs=1.0)


def test_a_click_shows_the_place_in_the_other_planes(views: Any) -> None:
    """The view is 100 mm wide and high and shows the cube whole: its middle is LPS 49, 49."""
    before = views.place("axial").position_mm
    views.point("axial", 0.75, 0.25)  # a quarter to the patient's left, a quarter to the front
    assert views.place("sagittal").position_mm == pytest.approx(49 + 25, abs=2.0)
    assert views.place("coronal").position_mm == pytest.approx(-49 + 25, abs=2.0)
    assert views.place("axial").position_mm == before


def test_a_drag_moves_by_as_many_pixels(views: Any) -> None:
    node = node_of(views, "axial")
    x, y, _ = node.GetXYZOrigin()
    mm = node.GetFieldOfView()[0] / 100
    views.drag("axial", "pan", 10, 20)
    assert node.GetXYZOrigin()[:2] == pytest.approx((x - 10 * mm, y + 20 * mm))


def test_a_drag_changes_window_and_zoom(views: Any) -> None:
    views.drag("axial", "window", 10, -5)
    display = views.volume_node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (1540.0, -620.0)
    before = node_of(views, "axial").GetFieldOfView()[0]
    views.drag("axial", "zoom", 0, -50)
    assert node_of(views, "axial").GetFieldOfView()[0] == pytest.approx(0.7 * before)


def test_a_new_size_keeps_what_is_in_the_middle(views: Any) -> None:
    """Protects tablets that are turned: also of a view that was moved, and the slice stays."""
    from vtk import vtkMatrix4x4

    def middle(name: str) -> tuple[float, ...]:
        node = node_of(views, name)
        to_ras: vtkMatrix4x4 = node.GetXYToRAS()
        width, height, _ = node.GetDimensions()
        return to_ras.MultiplyPoint((width / 2, height / 2, 0, 1))[:3]

    views.go("axial", 3)
    views.drag("coronal", "pan", 30, 10)
    before = middle("axial"), middle("coronal")
    for name in ("axial", "coronal"):
        views.resize(name, 160, 120)
    assert middle("axial") == pytest.approx(before[0], abs=1.0) and views.place("axial").index == 3
    assert middle("coronal") == pytest.approx(before[1], abs=1.0)


def test_pictures_have_the_views_size_and_the_right_way_up(views: Any) -> None:
    """The cube is dense below: the lower half of the coronal picture is white."""
    picture = views.draw("coronal")
    assert picture.shape == (100, 100, 3)
    assert picture[75, 50].min() > 240 and picture[25, 50].max() < 90


def test_a_huge_view_is_drawn_smaller(views: Any) -> None:
    from LungUNetSegSlicer.web.viewer.views import MOST_PIXELS

    views.resize("axial", 4000, 2000)
    height, width, _ = views.draw("axial").shape
    assert height * width <= MOST_PIXELS and width / height == pytest.approx(2.0, abs=0.01)


def test_the_lungs_turn_under_a_drag(views: Any) -> None:
    camera = views._volume.renderer().GetActiveCamera()
    camera.SetPosition(0, 100, 0)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    views.drag("volume", "scroll", 225, 0)  # 0.4 degrees a pixel: a quarter of a turn
    assert np.abs(camera.GetPosition()).round(3).tolist() == [100.0, 0.0, 0.0]
