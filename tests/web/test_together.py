"""What comes close together: two clicks, a click and an answer, two pictures. Nothing of it may be lost.

The server is a pretended one, which answers when a test wants it to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chromium import drop
from web_page import Page, wait_for
from web_stub import PretendedServer, state_with_lungs

HOLD_THE_NEXT_PICTURE = """
const decode = window.createImageBitmap.bind(window);
window.createImageBitmap = (blob) => {
  window.createImageBitmap = decode;
  return new Promise((go) => { window.release = () => decode(blob).then(go); });
};
"""


@pytest.fixture
def page(browser: Any, pretended: PretendedServer) -> Page:
    """The page of that server, just opened, with two scans of which the first has lungs."""
    pretended.state = state_with_lungs()
    for each in (pretended.commands, pretended.uploads):
        each.clear()
    pretended.seen = 0
    browser.get(pretended.url)
    opened = Page(browser)
    opened.shown("#result")
    return opened


def hidden(name: str) -> dict[str, Any]:
    """Return the command that hides a lung."""
    return {"do": "display", "key": "segment", "value": {"id": name, "shown": False}}


def test_two_lungs_that_are_hidden_at_once_are_both_hidden(page: Page, pretended: PretendedServer) -> None:
    """Protects quick hands: at the second click the page had not heard of the first, and took it back."""
    page.browser.execute_script("document.querySelectorAll('[data-segment]').forEach((each) => each.click())")
    wait_for(lambda: pretended.commands == [hidden("RightLung"), hidden("LeftLung")])


def test_a_box_that_is_pressed_while_the_server_answers_is_not_lost(page: Page, pretended: PretendedServer) -> None:
    """Protects who clicks twice: the answer to the first click put a new box in the place of the one pressed."""
    box = page.find('[data-segment="LeftLung"]').rect
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "button": "left", "clickCount": 1}
    page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mousePressed", **place})
    told = state_with_lungs()
    told["display"]["hidden"] = ["RightLung"]
    pretended.say(told)
    wait_for(lambda: not page.find('[data-segment="RightLung"]').is_selected())
    page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseReleased", **place})
    wait_for(lambda: pretended.commands == [hidden("LeftLung")])


def test_a_double_click_on_cancel_does_not_close_the_scan(page: Page, pretended: PretendedServer) -> None:
    """Protects an open scan: the answer to the first click puts "Close" in the place of "Cancel"."""
    told = state_with_lungs()
    told["scans"][0] |= {"status": "running", "stage": "Segmenting", "share": 0.5}
    pretended.say(told)
    button = page.shown('[data-key^="Cancel"]').rect
    place = {"x": button["x"] + button["width"] / 2, "y": button["y"] + button["height"] / 2, "button": "left"}

    def click(count: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place, "clickCount": count})

    click(1)
    wait_for(lambda: pretended.commands == [{"do": "cancel", "number": 0}])
    told["scans"][0] |= {"status": "cancelled", "stage": "", "share": None}
    pretended.say(told)
    page.shown('[data-key="Close 0"]')
    click(2)
    click(1)
    wait_for(lambda: pretended.commands[1:] == [{"do": "close", "number": 0}])


def test_an_older_picture_that_is_decoded_later_does_not_replace_a_newer_one(
    page: Page, pretended: PretendedServer
) -> None:
    """Protects the slice that is seen: browsers decode pictures beside each other. Both are said to be seen."""

    def colour() -> list[int]:
        script = "return [...document.querySelector('canvas').getContext('2d').getImageData(4, 4, 1, 1).data]"
        return [round(each / 255) for each in page.browser.execute_script(script)[:3]]

    page.browser.execute_script(HOLD_THE_NEXT_PICTURE)
    pretended.show(0, "red")
    wait_for(lambda: page.browser.execute_script("return Boolean(window.release)"))
    pretended.show(0, "blue")
    wait_for(lambda: colour() == [0, 0, 1])
    page.browser.execute_script("window.release()")
    wait_for(lambda: pretended.seen == 2)
    assert colour() == [0, 0, 1]


def test_the_slider_follows_the_wheel_after_it_was_moved(page: Page, pretended: PretendedServer) -> None:
    """Protects the next step of a slider that has the focus: it began from where the slider was left."""
    from selenium.webdriver.common.keys import Keys

    slider = page.find('input[aria-label="Axial slice"]')
    slider.send_keys(Keys.ARROW_RIGHT)
    wait_for(lambda: pretended.commands == [{"do": "slice", "view": "axial", "index": 21}])
    page.browser.execute_async_script("setTimeout(arguments[0], 600)")
    told = state_with_lungs()
    told["slices"]["axial"]["index"] = 22  # as after a turn of the wheel
    pretended.say(told)
    wait_for(lambda: slider.get_attribute("aria-valuetext") == "23 of 40")
    slider.send_keys(Keys.ARROW_RIGHT)
    wait_for(lambda: pretended.commands[1:] == [{"do": "slice", "view": "axial", "index": 23}])


def test_a_reference_says_for_which_scan_it_was_chosen(page: Page, pretended: PretendedServer, tmp_path: Path) -> None:
    """Protects who looks at another scan while the file is on its way."""
    (tmp_path / "mask.nrrd").write_bytes(b"mask")
    page.find("#reference-input").send_keys(str(tmp_path / "mask.nrrd"))
    wait_for(lambda: pretended.uploads == [({"kind": "reference", "scan": "0"}, ["mask.nrrd"])])


def test_dropped_files_keep_their_folders(page: Page, pretended: PretendedServer, tmp_path: Path) -> None:
    """Protects headers and voxels with the same names in each case's folder."""
    for case in ("one", "two"):
        (tmp_path / "cases" / case).mkdir(parents=True)
        (tmp_path / "cases" / case / "ct.nii").write_bytes(b"ct")
    drop(page.browser, tmp_path / "cases")
    wait_for(lambda: pretended.uploads)
    query, names = pretended.uploads[0]
    assert query == {"kind": "scan"} and sorted(map(str, names)) == ["cases/one/ct.nii", "cases/two/ct.nii"]


def test_behind_a_question_nothing_can_be_reached_by_the_keyboard(page: Page, pretended: PretendedServer) -> None:
    """Protects who has no mouse: Shift and Tab stay at the second tab's button; after it the page is reached again."""
    from selenium.webdriver.common.keys import Keys

    pretended.send_elsewhere()
    page.says("#over-text", "open in another tab")
    focused = page.browser.switch_to.active_element
    focused.send_keys(Keys.SHIFT, Keys.TAB)
    assert page.browser.execute_script("return document.activeElement.closest('#work, header') === null")
    focused.click()
    wait_for(lambda: not page.find("#over").is_displayed())
    wait_for(lambda: page.find("#open-phantom").is_enabled() and not page.all("[inert]"))


def test_a_viewer_that_takes_long_to_start_is_waited_for_aloud(page: Page, pretended: PretendedServer) -> None:
    """Protects the first visitor of a busy server from a page that does nothing."""
    pretended.state = None
    page.browser.get(pretended.url)
    page.says("#banner", "The server starts a viewer for you")
    pretended.say(state_with_lungs())
    wait_for(lambda: not page.find("#banner").is_displayed())


def test_a_long_list_says_how_many_it_leaves_out(page: Page, pretended: PretendedServer) -> None:
    offers = [{"title": f"{name}/ct.nii", "detail": "1 MB", "reason": "An image file."} for name in ("one", "two")]
    pretended.say(state_with_lungs() | {"offers": offers, "more_offers": 17})
    page.says("#more-offers", "17 more are not listed.")
