"""index.html of a batch in Chromium: every scan can be scrolled to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selenium.webdriver.support.wait import WebDriverWait

from LungUNetSegLib.batch.page import write_page
from LungUNetSegLib.batch.table import row_of

ROWS = "return document.querySelectorAll('#scans tbody tr').length"


def test_a_window_higher_than_the_first_rows_is_filled(browser: Any, tmp_path: Path) -> None:
    """Protects the scans after the sixtieth: the end of the table stays in view when sixty low rows come, and a
    browser tells of no change then.
    """
    reports = [{"name": f"scan {number}", "error": "x", "identity": {}, "scanner": {}} for number in range(150)]
    write_page(tmp_path / "index.html", [row_of(report) for report in reports], reports)
    size = browser.get_window_size()
    try:
        browser.set_window_size(1280, 9000)
        browser.get((tmp_path / "index.html").as_uri())
        WebDriverWait(browser, 5).until(lambda _: browser.execute_script(ROWS) == 150)
    finally:
        browser.set_window_size(size["width"], size["height"])
