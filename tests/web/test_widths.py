"""Narrow pages, as on a phone or with 200 % zoom, and long names. The server is a pretended one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from web_page import Page, wait_for
from web_stub import PretendedServer, open_scan, state_with_lungs

LONG_NAME = f"{'long_export_name_of_the_PACS_' * 5}.nii.gz"
NARROW = (400, 500, 640, 900)
"""Widths in CSS pixels: phones, a laptop's 1280 at 200 % zoom, and the widest page with the views above the panel."""


@pytest.fixture
def page(browser: Any, pretended: PretendedServer) -> Iterator[Page]:
    """The page of that server, just opened; its size is reset afterwards."""
    pretended.state = state_with_lungs()
    browser.get(pretended.url)
    opened = Page(browser)
    opened.shown("#result")
    yield opened
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def resize(page: Page, width: int, height: int = 360) -> None:
    """Give the page a size in CSS pixels."""
    size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def top(page: Page, selector: str) -> float:
    """Return where an element begins on the page."""
    return float(page.find(selector).rect["y"])


@pytest.mark.parametrize("width", NARROW)
def test_the_header_keeps_the_choice_of_colours_in_its_first_line(
    page: Page, pretended: PretendedServer, width: int
) -> None:
    """Protects zoomed pages: between 600 and 900 pixels the button had a line of its own, of the few there are."""
    resize(page, width)
    pretended.say(state_with_lungs() | {"scans": [open_scan(0) | {"name": "Thorax of today"}]})
    page.says("#scan-title", "Thorax")
    title, button = page.find("h1").rect, page.find("#theme").rect
    assert button["y"] < title["y"] + title["height"] and button["y"] + button["height"] > title["y"]


@pytest.mark.parametrize("width", NARROW)
def test_opening_a_scan_comes_first_until_there_is_one(page: Page, pretended: PretendedServer, width: int) -> None:
    """Protects the first visit with a phone: a screen of black views came first, and nothing said what to do."""
    resize(page, width)
    assert top(page, "#views") < top(page, "#panel")
    pretended.say(state_with_lungs() | {"scans": [], "current": None, "result": None})
    wait_for(lambda: top(page, "#panel") < top(page, "#views"))


@pytest.mark.parametrize("first", ["#views", "#panel"])
def test_the_keyboard_goes_through_a_narrow_page_from_above(page: Page, pretended: PretendedServer, first: str) -> None:
    """Protects who sees and tabs: the focus went to the panel below, and then up to the views."""
    resize(page, 640)
    if first == "#panel":
        pretended.say(state_with_lungs() | {"scans": [], "current": None, "result": None})
        wait_for(lambda: top(page, "#panel") < top(page, "#views"))
    page.find("#theme").send_keys(Keys.TAB)
    script = "return document.activeElement.closest(arguments[0]) !== null"
    assert page.browser.execute_script(script, first)


def test_nothing_is_cut_in_the_narrowest_page(page: Page, pretended: PretendedServer) -> None:
    """Protects small phones, and 400 % zoom (WCAG 1.4.10): the number of a slice was cut, and the page's right edge."""
    told = state_with_lungs()
    told["slices"] = {name: {"index": 256, "count": 512, "position_mm": 0.0} for name in told["slices"]}
    told["result"] |= {"rows": [["Right lung", "1965", "\N{MINUS SIGN}840"]]}
    resize(page, 320, 640)
    pretended.say(told)
    page.says(".at", "257 of 512")
    script = """
        const right = (each) => each.getBoundingClientRect().right;
        const page = document.documentElement.clientWidth;
        const edge = (each) => each.closest(".head") ? right(each.closest(".view")) : page;
        return [...document.querySelectorAll("header *, #work *")]
            .filter((each) => each.checkVisibility() && right(each) > edge(each) + 0.5)
            .map((each) => `${each.tagName} ${each.id} ${each.textContent.slice(0, 30)}`);
    """
    assert page.browser.execute_script(script) == []


@pytest.mark.parametrize("width", [1280, 400])
def test_long_names_stay_within_the_panel(page: Page, pretended: PretendedServer, width: int) -> None:
    """Protects texts with a file's name, wherever they are: a long one made the panel scroll sideways."""
    told = state_with_lungs()
    told["scans"] = [open_scan(0) | {"name": LONG_NAME, "message": f"{LONG_NAME}: it is damaged.", "status": "failed"}]
    told["offers"] = [{"title": LONG_NAME, "detail": "1 MB", "reason": LONG_NAME}] * 2
    told["errors"] = {"open": LONG_NAME, "compare": LONG_NAME}
    told["busy"] = {"open": f"Reading {LONG_NAME}"}
    told["facts"], told["scan_warnings"] = [("Series", LONG_NAME)], [LONG_NAME]
    told["result"] |= {"warnings": [{"heading": "", "message": LONG_NAME}], "methods": LONG_NAME, "time": LONG_NAME}
    told["comparison"] = {
        "reference": LONG_NAME, "columns": ["Right lung", "Left lung", "Both lungs"],
        "rows": [{"title": "Mean surface distance, mm", "values": ["0.00"] * 3}],
        "curves": [{"name": "Both lungs", "values": [1.0, 1.0]}], "disagreements": [], "colours": [],
        "warnings": [{"heading": "", "message": f"Of the reference {LONG_NAME!r}: ..."}],
    }  # fmt: skip
    resize(page, width, 720)
    pretended.say(told)
    page.says("#warnings", LONG_NAME)
    page.browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    right = "return arguments[0].getBoundingClientRect().right"
    edge = page.browser.execute_script(right, page.find("#panel"))
    texts = [each for each in page.all("#panel :is(p, li, strong, span, caption, dd)") if each.is_displayed()]
    assert len(texts) > 20
    assert {each.text for each in texts if page.browser.execute_script(right, each) > edge} == set()
    fits = "const e = document.querySelector(arguments[0]); return e.scrollWidth <= e.clientWidth"
    assert all(
        page.browser.execute_script(fits, each)
        for each in ("#panel", "#scans", "#warnings", "#compare-warnings", ".scroll")
    )
    assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_a_long_name_leaves_the_sentence_beside_it_in_one_line(page: Page, pretended: PretendedServer) -> None:
    resize(page, 1280, 720)
    height = page.find("header").rect["height"]
    pretended.say(state_with_lungs() | {"scans": [open_scan(0) | {"name": LONG_NAME}]})
    page.says("#scan-title", "long_export_name")
    assert page.find("header").rect["height"] == height


def test_the_button_of_colours_follows_the_system(page: Page) -> None:
    """Protects its words: a system that turned dark in the evening left "Dark" on the button of a dark page."""

    def system(scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    try:
        system("light")
        wait_for(lambda: page.text("#theme") == "Dark")
        system("dark")
        wait_for(lambda: page.text("#theme") == "Light")
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
