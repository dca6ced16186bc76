"""Files dropped on the page, and what wheel, mouse, fingers and keys do to a view, by Chromium's own input events."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from chromium import drop
from selenium.webdriver.common.keys import Keys
from web_page import Page, wait_for

from LungUNetSegLib.io import write_dicom_series, write_image
from LungUNetSegLib.phantom import make_phantom, phantom_geometry

PIL_image = pytest.importorskip("PIL.Image")

Point = tuple[float, float]


def touch(page: Page, kind: str, *fingers: Point) -> None:
    """Put fingers on the screen, move or lift them."""
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
    page.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def place(page: Page) -> str:
    """Return which slice each view shows."""
    return " ".join(each.get_attribute("aria-valuetext") for each in page.all("input[type=range][aria-label$=slice]"))


def middle(page: Page) -> Point:
    """Return the middle of the axial view on the screen."""
    box = page.all("canvas")[0].rect
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Body(NamedTuple):
    """The body in the axial picture, in pixels of the page: its area, and its middle from the view's left and top."""

    area: float
    x: float
    y: float


def body(page: Page) -> Body:
    """Look at the axial picture."""
    canvas = page.all("canvas")[0]
    url = page.browser.execute_script("return arguments[0].toDataURL()", canvas)
    image = PIL_image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")
    ratio = canvas.rect["width"] / image.width
    rows, columns = np.nonzero(np.asarray(image) > 60)
    return Body(rows.size * ratio**2, columns.mean() * ratio, rows.mean() * ratio)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a phantom as a file and as DICOM slices in folders of a study."""
    folder = tmp_path_factory.mktemp("scans")
    phantom = make_phantom(phantom_geometry((40, 64, 64)), rng=1)
    write_image(folder / "thorax.nii.gz", phantom.ct)
    write_dicom_series(phantom.ct, folder / "study" / "CT" / "series")
    return folder


def test_a_dropped_folder_is_opened(page: Page, scans: Path) -> None:
    """Protects folders in folders, of which all 40 slices arrive, and what is dropped before the page is ready."""
    drop(page.browser, scans / "study")
    page.shown("#segment")
    wait_for(lambda: place(page).startswith("21 of 40"))


def test_dropped_files_are_opened(page: Page, scans: Path) -> None:
    drop(page.browser, scans / "thorax.nii.gz")
    wait_for(lambda: page.text("#scan-title") == "thorax.nii.gz")
    drop(page.browser, *(scans / "study" / "CT" / "series").iterdir())
    wait_for(lambda: len(page.all("#scans > li")) == 3)


def test_a_dropped_zip_is_opened(page: Page, scans: Path) -> None:
    archive = shutil.make_archive(str(scans / "study"), "zip", scans / "study")
    drop(page.browser, Path(archive))
    wait_for(lambda: len(page.all("#scans > li")) == 4)
    assert place(page).startswith("21 of 40") and not page.find("#open-error").is_displayed()


def test_what_cannot_be_opened_is_told(page: Page, tmp_path: Path) -> None:
    """Protects from silence: an empty folder, and a file that the browser cannot read (here one that it pretends)."""
    drop(page.browser, tmp_path)
    page.says("#open-error", "There is no file in it.")
    page.browser.execute_script(
        "const file = (_, refuse) => refuse(new DOMException('gone', 'NotFoundError'));"
        "const items = [{ webkitGetAsEntry: () => ({ isFile: true, file }) }];"
        "document.dispatchEvent(Object.assign(new Event('drop'), { dataTransfer: { items } }))"
    )
    page.says("#open-error", "What you dropped cannot be read.")


def test_what_is_dropped_while_another_scan_is_opened_is_not_lost_in_silence(page: Page, scans: Path) -> None:
    before = len(page.all("#scans > li"))
    page.click('[aria-label="Close thorax.nii.gz"]')
    wait_for(lambda: len(page.all("#scans > li")) == before - 1)
    for _ in range(2):
        drop(page.browser, scans / "study")
    page.says("#open-error", "One at a time")
    wait_for(lambda: len(page.all("#scans > li")) == before)


def test_the_wheel_scrolls_and_with_ctrl_it_zooms(page: Page) -> None:
    """Protects also the slice that is shown first: it is a whole one, and not a plane between two."""
    x, y = middle(page)
    before = body(page)

    def wheel(dy: int, modifiers: int = 0) -> None:
        event = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": dy, "modifiers": modifiers}
        page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    wheel(-100)
    wait_for(lambda: place(page).startswith("22 of"))
    wheel(100)
    wait_for(lambda: place(page).startswith("21 of") and body(page) == before)
    wheel(-100, modifiers=2)  # Ctrl
    wait_for(lambda: body(page).area > 1.1 * before.area)
    assert place(page).startswith("21 of")
    page.click("#fit")
    wait_for(lambda: body(page) == before)


def test_the_keyboard_reaches_the_first_and_the_last_slice_and_drags_as_the_mouse(page: Page) -> None:
    """Protects whoever has no mouse: what the left button does, the arrow keys do."""
    canvas, before = page.all("canvas")[0], body(page)
    for key, number in ((Keys.END, "40"), (Keys.HOME, "1"), (Keys.PAGE_UP, "11"), (Keys.ARROW_RIGHT, "12")):
        canvas.send_keys(key)
        wait_for(lambda number=number: place(page).startswith(f"{number} of 40"))
    page.click("#fit")
    wait_for(lambda: body(page) == before)
    page.choose("#tool", "pan")
    canvas.send_keys(Keys.ARROW_RIGHT)
    wait_for(lambda: abs(body(page).x - before.x - 20) < 2)
    assert place(page).startswith("21 of 40")
    page.choose("#tool", "scroll")
    page.click("#fit")
    wait_for(lambda: body(page) == before)


def test_the_middle_button_moves_the_picture_with_the_mouse(page: Page) -> None:
    x, y = middle(page)
    before = body(page)

    def mouse(kind: str, dx: float, dy: float) -> None:
        event = {"type": kind, "x": x + dx, "y": y + dy, "button": "middle", "buttons": 4, "clickCount": 1}
        page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    mouse("mousePressed", 0, 0)
    for share in (0.5, 1):
        mouse("mouseMoved", 40 * share, -20 * share)
    mouse("mouseReleased", 40, -20)
    wait_for(lambda: abs(body(page).x - before.x - 40) < 4 and abs(body(page).y - before.y + 20) < 4)
    assert place(page).startswith("21 of") and abs(body(page).area / before.area - 1) < 0.05


def test_a_button_that_waits_has_the_focus_again_afterwards(page: Page) -> None:
    """Protects readers of the screen, who else begin at the top of the page."""
    count = len(page.all("#scans > li"))
    page.click("#scans button[aria-label^=Close]")
    wait_for(lambda: len(page.all("#scans > li")) == count - 1)
    page.find("#open-phantom").send_keys(Keys.ENTER)
    wait_for(lambda: len(page.all("#scans > li")) == count and page.find("#open-phantom").is_enabled())
    wait_for(lambda: page.browser.switch_to.active_element.get_attribute("id") == "open-phantom")


@pytest.fixture(scope="module")
def touchscreen(page: Page) -> Iterator[None]:
    """A screen that two fingers may touch."""
    page.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    yield
    page.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


@pytest.mark.usefixtures("touchscreen")
def test_two_fingers_zoom_in_and_out(page: Page) -> None:
    """Protects tablets: the picture grows as the fingers part, shrinks as they close, and the slice stays."""
    x, y = middle(page)
    before, at = body(page), place(page)

    def pinch(*distances: float) -> None:
        for number, distance in enumerate(distances):
            fingers = (x - distance, y), (x + distance, y)
            touch(page, "touchMove" if number else "touchStart", *fingers)
        touch(page, "touchEnd")

    pinch(30, 40, 50, 60)
    wait_for(lambda: body(page).area > 1.3 * before.area)
    pinch(60, 50, 40, 30)
    wait_for(lambda: body(page).area < 1.1 * before.area)
    assert place(page) == at
    assert page.browser.execute_script("return visualViewport.scale") == 1


@pytest.mark.usefixtures("touchscreen")
def test_one_finger_scrolls_and_a_tap_shows_the_place_in_the_other_planes(page: Page) -> None:
    x, y = middle(page)
    axial, *others = place(page).split(" of ")
    touch(page, "touchStart", (x, y))
    for dy in (10, 20, 30):
        touch(page, "touchMove", (x, y - dy))
    touch(page, "touchEnd")
    wait_for(lambda: int(place(page).split()[0]) > int(axial))
    assert place(page).split(" of ")[1:] == others
    touch(page, "touchStart", (x - 40, y))
    touch(page, "touchEnd")
    wait_for(lambda: place(page).split(" of ")[1:] != others)
