"""Who has no mouse: the focus stays where one works, and is seen. The server is a pretended one."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from web_page import Page, wait_for
from web_stub import PretendedServer, open_scan, state_with_lungs

DISABLED = "return document.querySelector('[aria-label=\"Open two.nii\"]').disabled"


@pytest.fixture
def page(browser: Any, pretended: PretendedServer) -> Page:
    """The page of that server, just opened, with two scans of which the first is shown."""
    pretended.state = state_with_lungs()
    browser.get(pretended.url)
    opened = Page(browser)
    opened.shown("#result")
    return opened


def focus(page: Page) -> str:
    """Return what has the focus: the name of its scan's or offer's line, or its id."""
    script = "const e = document.activeElement; return e.closest('li')?.querySelector('strong').textContent ?? e.id"
    return str(page.browser.execute_script(script))


def test_a_scan_that_is_shown_keeps_the_focus_on_its_line(page: Page, pretended: PretendedServer) -> None:
    """Protects the way of the keyboard: the pressed button goes, and took the focus to the top of the page with it."""
    page.find('[aria-label="Show Scan 1"]').send_keys(Keys.ENTER)
    pretended.say(state_with_lungs() | {"current": 1})
    wait_for(lambda: not page.all('[aria-label="Show Scan 1"]'))
    assert focus(page) == "Scan 1"
    outline = page.browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "it is seen"


def test_after_closing_scans_the_focus_is_on_the_next_one_and_at_last_on_opening(
    page: Page, pretended: PretendedServer
) -> None:
    page.find('[aria-label="Close Scan 0"]').send_keys(Keys.ENTER)
    pretended.say(state_with_lungs() | {"scans": [open_scan(1)], "current": 1})
    wait_for(lambda: len(page.all("#scans > li")) == 1)
    assert focus(page) == "Scan 1"
    page.find('[aria-label="Close Scan 1"]').send_keys(Keys.ENTER)
    pretended.say(state_with_lungs() | {"scans": [], "current": None, "result": None})
    wait_for(lambda: focus(page) == "pick-folder")


def test_a_scan_that_is_opened_from_the_list_keeps_the_focus_there(page: Page, pretended: PretendedServer) -> None:
    offers = [{"title": name, "detail": "1 MB", "reason": "An image file."} for name in ("one.nii", "two.nii")]
    pretended.say(state_with_lungs() | {"offers": offers})
    page.shown('[aria-label="Open two.nii"]').send_keys(Keys.ENTER)
    for busy in ({"open": "Reading two.nii"}, {}):
        pretended.say(state_with_lungs() | {"offers": offers, "busy": busy})
        wait_for(lambda busy=busy: page.browser.execute_script(DISABLED) == bool(busy))
        assert focus(page) == "two.nii"


def test_after_a_question_the_focus_is_where_it_was(page: Page, pretended: PretendedServer) -> None:
    """Protects who comes back from another tab: one began at the top of the page again."""
    page.browser.execute_script("document.getElementById('crosshair').focus()")
    pretended.send_elsewhere()
    page.says("#over-text", "open in another tab")
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for(lambda: focus(page) == "crosshair")


def test_what_ends_in_silence_is_told_to_screen_readers(page: Page, pretended: PretendedServer) -> None:
    """Protects who does not see the page: the end of a segmentation or comparison was only drawn (WCAG 2.2, 4.1.3)."""

    def told(**changes: Any) -> str:
        pretended.say(state_with_lungs() | changes)
        pretended.say(state_with_lungs() | changes | {"upload_gb": 3})
        wait_for(lambda: page.find("#upload-gb").text == "3")
        pretended.say(state_with_lungs() | changes)
        wait_for(lambda: page.find("#upload-gb").text == "4")
        return str(page.browser.execute_script("return document.getElementById('said').textContent"))

    assert page.find("#said").get_attribute("role") == "status" and page.find("#said").is_displayed()
    running = open_scan(0) | {"status": "running"}
    assert told(scans=[running, open_scan(1)]) == ""
    assert told(scans=[open_scan(0), open_scan(1)]) == "Scan 0: segmented"
    assert told(scans=[open_scan(each) for each in range(3)]) == "Scan 2: open"
    compared = {"columns": [], "rows": [], "curves": [{"name": "Lung", "values": [1]}], "disagreements": [],
                "warnings": [], "colours": [], "reference": "mask.nii"}  # fmt: skip
    assert told(busy={"compare": "Comparing"}) == "Scan 2: open"
    assert told(comparison=compared) == "Compared with mask.nii"


def test_escape_shows_all_views_again(page: Page) -> None:
    page.find('[aria-label="Only the Coronal view"]').send_keys(Keys.ENTER)
    assert [each.is_displayed() for each in page.all(".view")] == [False, False, True, False]
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert all(each.is_displayed() for each in page.all(".view"))
    assert page.find('[aria-label="Only the Coronal view"]').get_attribute("aria-pressed") == "false"


def test_the_first_link_leads_to_the_views(page: Page) -> None:
    page.find(".skip").send_keys(Keys.ENTER)
    page.browser.switch_to.active_element.send_keys(Keys.TAB)
    assert focus(page) == "window"
