"""Draws the pictures of docs/images that a browser shows: the page's for docs/web.md, and that of a report.

From the repository: ``PYTHONPATH=tests python -m web_pictures FOLDER [REPORT]``. FOLDER gets every picture, those of a
phone too, to be looked at; docs/images those that the documentation shows. REPORT is the page that
``python -m LungUNetSegSlicer.server.comparison_picture`` writes. The sample scan is downloaded once.
"""

from __future__ import annotations

import base64
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from chromium import start_chromium
from web_page import ROOT, Page, start_server, wait_for

DESK, TABLET, PHONE = (1280, 757), (820, 1037), (390, 844)
REPORT_SIZE = 1100, 3100
SETTLED_S = 3.0
"""Pictures of views arrive a little after what they show has changed."""

IN_DOCS = ("web-open", "web-running", "web-result", "web-density", "web-compared", "web-tablet", "report")


class Photographer:
    """Saves what a browser shows.

    Args:
        browser: Chromium.
        folder: Where the pictures go.
    """

    def __init__(self, browser: Any, folder: Path) -> None:
        self._browser, self._folder = browser, folder

    def resize(self, size: tuple[int, int]) -> None:
        """Give the page a width and a height in pixels."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self._browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def take(self, name: str) -> None:
        """Save the page as it is."""
        picture = self._browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path = self._folder / f"{name}.png"
        path.write_bytes(base64.b64decode(picture["data"]))
        if name in IN_DOCS:
            shutil.copy(path, ROOT / "docs" / "images" / path.name)


def use_page(page: Page, photographer: Photographer) -> None:
    """Take the sample from opening to a comparison."""
    photographer.resize(DESK)
    page.click("#open-sample")
    page.shown("#segment")
    time.sleep(SETTLED_S)
    photographer.take("web-open")
    page.click("#segment")
    wait_for(lambda: _tells_time_left(page) or _has_result(page))
    if not _has_result(page):  # a fast machine may be done before it tells the time left
        photographer.take("web-running")
    page.shown("#result tbody")
    _scroll_to(page, "#result-part")
    photographer.take("web-result")
    page.click("#density")
    page.shown("#legend")
    _scroll_to(page, "#result-part")
    photographer.take("web-density")
    page.click('[data-segment="LeftLung"]')
    _scroll_to(page, "#result-part")
    photographer.take("web-density-right")
    page.click('[data-segment="LeftLung"]')
    page.click("#density")
    page.click("#compare-own")
    page.says("#scores", "DSC")
    page.choose("#shown", "differences")
    _scroll_to(page, "#comparison")
    photographer.take("web-compared")
    _scroll_to(page, "#disagreements-part")
    photographer.take("web-differences")
    page.click("#theme")
    for name, size in (("web-tablet", TABLET), ("web-phone", PHONE)):
        photographer.resize(size)
        _scroll_to(page, "header")
        photographer.take(name)
    _scroll_to(page, "#panel")
    photographer.take("web-phone-panel")


def _tells_time_left(page: Page) -> bool:
    return any("left" in each for each in _texts(page, "#scans .wait"))


def _has_result(page: Page) -> bool:
    return any(_texts(page, "#result tbody"))


def _texts(page: Page, selector: str) -> list[str]:
    """Return the texts that are seen in some elements, which the page may replace at any time."""
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)"
    return list(page.browser.execute_script(script, selector))


def _scroll_to(page: Page, selector: str) -> None:
    page.browser.execute_script("document.querySelector(arguments[0]).scrollIntoView()", selector)
    page.browser.execute_script("document.activeElement.blur()")
    time.sleep(SETTLED_S)


def main(folder: Path, report: Path | None) -> None:
    """Draw all."""
    if report is not None and not report.is_file():  # Chromium would show a page that says so, as a picture for docs
        raise FileNotFoundError(report)
    folder.mkdir(parents=True, exist_ok=True)
    browser = start_chromium(folder)
    photographer = Photographer(browser, folder)
    server = start_server(folder / "server")
    try:
        browser.get(server.url)
        use_page(Page(browser), photographer)
        if report is not None:
            photographer.resize(REPORT_SIZE)
            browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            browser.get(report.resolve().as_uri())
            photographer.take("report")
    finally:
        browser.quit()
        server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
