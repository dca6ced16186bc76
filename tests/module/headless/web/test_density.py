"""The page's map of local density: its colours, that it is made once, and when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.io import Scan
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume

RIGHT, LEFT = (50, 28), (50, 72)
"""Pixels of the axial picture, (row, column), in the middle of each lung."""


@dataclass
class Page:
    """What the server has of a page with a scan and its lungs."""

    display: Any
    maps: Any
    page_tasks: Any
    scan: Any
    views: Any

    def show(self, is_wanted: bool = True) -> None:
        """Check or uncheck the box."""
        self.maps.show(self.scan, is_wanted)

    async def ready(self) -> None:
        """Wait for the map."""
        while self.maps.busy:
            await asyncio.sleep(0.01)

    def colours(self) -> list[list[int]]:
        """Return RGB in the middle of the right and of the left lung, in an upper slice."""
        self.views.go("axial", 15)
        picture = self.views.draw("axial")
        return [picture[each].tolist() for each in (RIGHT, LEFT)]


@pytest.fixture
def scan(views: Any, cube: Volume) -> Iterator[Any]:
    """The cube with a right lung of -1000 HU and a left one of -600 HU."""
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import voxels
    from LungUNetSegSlicer.web.viewer.scans import OpenScan

    labels = np.zeros(cube.array.shape, np.uint8)
    labels[10:, 10:40, 5:22], labels[10:, 10:40, 28:45] = 1, 2
    node = views.volume_node
    voxels(node)[labels == 2] = -600
    node.GetImageData().Modified()
    segmentation = show_labels(Volume(labels, cube.geometry), LUNGS, node, show3d=True)
    opened = OpenScan(
        number=0, name="Cube", scan=Scan(cube, Path("cube"), None, ""), node=node, facts=[], patient=[],
        segmentation=segmentation, result={"volumes_ml": {"right": 1, "left": 1}},
    )  # fmt: skip
    yield opened
    opened.drop_density()
    segmentation.GetScene().RemoveNode(segmentation)


@pytest.fixture
def page(views: Any, scan: Any, tmp_path: Path) -> Any:
    """Makes, in a running event loop, what the server has of the page."""
    from LungUNetSegSlicer.run.asyncio_loop import AsyncioLoop
    from LungUNetSegSlicer.web.viewer.density import DensityMaps
    from LungUNetSegSlicer.web.viewer.display import Display
    from LungUNetSegSlicer.web.viewer.page_tasks import PageTasks

    def make() -> Page:
        display, page_tasks = Display(views), PageTasks(lambda: None, str)
        display.show(scan, [scan])
        return Page(display, DensityMaps(AsyncioLoop(tmp_path), display, page_tasks), page_tasks, scan, views)

    return make


def test_the_picture_has_the_maps_colours_over_the_grey_of_the_ct(page: Any) -> None:
    """Protects colours and opacity. By hand, right: blue (33, 102, 171) at 60 %, and 40 % of the CT's grey, which is
    255 * (-1000 + 1350) / 1500 = 59.5; left: red (178, 23, 43), and the grey 127.5 of -600 HU.
    """

    async def work() -> None:
        made = page()
        lungs = made.colours()
        made.show()
        assert made.maps.busy == {"density": "Averaging the density..."} and made.display.state()["density"]
        await made.ready()
        np.testing.assert_allclose(made.colours(), [[43.7, 85.0, 126.3], [158.1, 64.8, 77.0]], atol=2)
        assert made.display.state()["opacity"] == 0.6
        made.display.change(made.scan, "opacity", 1.0)
        np.testing.assert_allclose(made.colours(), [[33, 102, 171], [178, 23, 43]], atol=2)
        made.show(False)
        assert made.colours() == lungs and made.display.state()["opacity"] == 0.35

    asyncio.run(work())


def test_the_surface_in_3d_has_the_maps_colours(page: Any) -> None:
    """Protects the 3D view: the lungs' own surfaces would cover the map's."""

    async def work() -> None:
        made = page()
        made.show()
        await made.ready()
        model, lungs = made.scan.density.model.GetDisplayNode(), made.scan.segmentation.GetDisplayNode()
        assert model.GetVisibility() and not lungs.GetVisibility3D()
        assert made.scan.density.model.GetPolyData().GetPointData().GetScalars().GetRange() == (-1000.0, -600.0)
        made.show(False)
        assert not model.GetVisibility() and lungs.GetVisibility3D()

    asyncio.run(work())


def test_a_lung_that_is_hidden_has_no_colours_either(page: Any) -> None:
    """Protects who hides one lung to look at the other: where it lies, the CT alone is seen, the grey of -600 HU."""

    async def work() -> None:
        made = page()
        made.show()
        await made.ready()
        both = made.colours()
        surface = made.scan.density.model.GetDisplayNode()
        made.display.change(made.scan, "segment", {"id": "LeftLung", "shown": False})
        np.testing.assert_allclose(made.colours(), [both[0], [127.5] * 3], atol=2)
        assert surface.GetOutputMesh().GetBounds()[0] == pytest.approx(-43, abs=3), "the right lung ends there, RAS mm"
        made.display.change(made.scan, "segment", {"id": "LeftLung", "shown": True})
        assert made.colours() == both
        made.show(False)
        for each in ("LeftLung", "RightLung"):
            made.display.change(made.scan, "segment", {"id": each, "shown": False})
        made.show()
        np.testing.assert_allclose(made.colours(), [[59.5] * 3, [127.5] * 3], atol=2)
        assert not surface.GetOutputMesh().GetNumberOfCells()

    asyncio.run(work())


def test_a_map_is_made_once_and_goes_with_its_lungs(page: Any) -> None:
    """Protects the wait of a second, and, after another segmentation, from colours of the lungs before."""

    async def work() -> None:
        made = page()
        made.show()
        await made.ready()
        first = made.scan.density
        made.show(False)
        made.show()
        assert not made.maps.busy and made.display.shown_map is first
        made.maps.forget(made.scan)
        made.display.show_new_lungs(made.scan)
        assert made.scan.density is None and not made.display.state()["density"]
        assert not made.views.volume_node.GetScene().IsNodePresent(first.volume)

    asyncio.run(work())


def test_what_is_being_made_is_given_up_when_the_lungs_change(page: Any) -> None:
    """Protects from a map that arrives after the lungs that it is of are gone."""

    async def work() -> None:
        made = page()
        made.show()
        await asyncio.sleep(0)
        made.maps.forget(made.scan)
        assert not made.maps.busy
        await asyncio.sleep(0.5)
        assert made.scan.density is None

    asyncio.run(work())


def test_other_things_to_show_take_the_map_away(page: Any) -> None:
    """Protects the comparison's colours, which would lie under the map."""

    async def work() -> None:
        made = page()
        made.show()
        await made.ready()
        made.display.change(made.scan, "shown", "differences")
        assert made.display.shown_map is None and not made.display.state()["density"]
        made.show()
        assert made.display.shown_map is not None and made.display.state()["shown"] == "lungs"
        made.display.show(made.scan, [made.scan])
        assert not made.display.state()["density"]

    asyncio.run(work())


def test_an_error_is_told_and_the_box_unchecked(page: Any) -> None:
    async def work() -> None:
        made = page()
        made.scan.segmentation.GetSegmentation().RemoveAllSegments()
        made.show()
        await made.ready()
        assert "has no segment that is a lung" in made.page_tasks.errors["density"]
        assert not made.display.state()["density"]
        made.show(False)
        assert not made.page_tasks.errors

    asyncio.run(work())


def test_lungs_of_another_scan_leave_the_slices_where_they_are(page: Any, scan: Any) -> None:
    """Protects who reads one scan while the next ones are segmented."""

    async def work() -> None:
        made = page()
        made.views.go("axial", 3)
        made.display.show_new_lungs(object())
        assert made.views.place("axial").index == 3
        made.display.show_new_lungs(scan)
        assert made.views.place("axial").index == 3

    asyncio.run(work())


def test_a_scan_that_is_shown_again_has_its_lungs_in_the_middle(page: Any, scan: Any) -> None:
    """Protects the 3D view: the lungs lie from 10 to 88 mm to the left, 20 to 78 to the back and 50 to 95 up."""

    async def work() -> None:
        made = page()
        made.display.show(None, [scan])
        made.display.show(scan, [scan])
        camera = made.views._volume.renderer().GetActiveCamera()
        assert camera.GetFocalPoint() == pytest.approx((-49, -49, 72.5), abs=3)

    asyncio.run(work())
