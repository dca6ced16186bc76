"""The page of a batch in Chromium: what a user sees of it, in the light and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import serious, start_chromium

from LungUNetSegLib.batch.page import write_page
from LungUNetSegLib.batch.table import row_of

FINDING = {"code": "lung-cut", "severity": "warning", "message": "The scan ends inside the lungs."}


def report(name: str, confidence: float | None, *findings: dict[str, str]) -> dict[str, Any]:
    """A scan that is done, with no site in its header."""
    volumes = {"right": 10.0, "left": 20.0, "total": 30.0}
    mean_hu = {"right": -801.0, "left": -799.0, "total": -800.0}
    return {
        "name": name, "identity": {"path": f"in/{name}"}, "scanner": {"kernel": "B30f"}, "volumes_ml": volumes,
        "mean_hu": mean_hu, "quality": {"confidence": confidence, "cut_mm2": {}}, "findings": list(findings),
        "seconds": {"read": 1.0}, "engine": "e", "lungunetseg": "1", "model": {"name": "m", "sha256": "s"},
        "geometry": {"shape": [3, 4, 5], "spacing_mm": [1.0, 2.0, 3.0]}, "outputs": ["lungs.nii.gz"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page of four scans, opened."""
    folder = tmp_path_factory.mktemp("out")
    failed = {"name": "failed", "error": "in/failed: cut short.", "identity": {}, "scanner": {}}
    finding = FINDING | {"code": "dense-lung", "message": "Much of it is dense."}
    reports = [report("sure", 0.99), report("unsure", 0.9, FINDING, finding), report("none", None), failed]
    (folder / "work").mkdir()
    (folder / "work" / "plan.json").write_text("{}")
    write_page(folder / "index.html", [row_of(each) for each in reports], reports)
    driver = start_chromium(folder)
    driver.get((folder / "index.html").as_uri())
    yield driver
    driver.quit()


def texts(page: Any, selector: str) -> list[str]:
    return [each.text.replace("\n", " ") for each in page.find_elements("css selector", selector)]


def row(page: Any, name: str) -> Any:
    """The row of a scan."""
    rows = page.find_elements("css selector", "#scans tbody tr")
    return next(each for each in rows if each.text.startswith(name))


def press(element: Any) -> None:
    """Use an element by the keyboard, as who has no mouse does."""
    element.find_element("css selector", "button").send_keys("\ue007")


def test_a_column_that_no_scan_fills_is_not_there(page: Any) -> None:
    """Protects the room of the others: archives without names of sites had an empty column for them."""
    titles = texts(page, "#scans th")
    assert "site" not in titles and "kernel" in titles and "seconds" in titles


def test_why_a_scan_failed_has_the_whole_row(page: Any) -> None:
    """Protects from sentences of one word a line beside ten empty cells."""
    cells = row(page, "failed").find_elements("css selector", "td")
    assert [each.text for each in cells] == ["failed", "in/failed: cut short."]
    assert int(cells[1].get_attribute("colspan")) == len(texts(page, "#scans th")) - 1


def test_on_a_phone_what_a_scan_tells_is_read_without_scrolling_aside(page: Any) -> None:
    """Protects why a scan failed and its remarks: they ran on to the right as far as the table does."""
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    page.refresh()
    row(page, "unsure").click()
    try:
        for selector in ("span.seen", "tr.detail div"):
            script = (
                "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return [box.x, box.right]"
            )
            left, right = page.execute_script(script, selector)
            assert left >= 0 and right <= 390, selector
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.refresh()


def test_what_was_left_out_is_a_click_away(page: Any) -> None:
    hrefs = [each.get_attribute("href") for each in page.find_elements("css selector", "p a")]
    assert any(each.endswith("/work/plan.json") for each in hrefs)


def test_remarks_are_told_apart_and_told_in_words(page: Any) -> None:
    cell = row(page, "unsure").find_elements("css selector", "td")[-1]
    assert cell.text == "lung-cut, dense-lung"
    assert cell.get_attribute("title") == "The scan ends inside the lungs.\nMuch of it is dense."


def test_a_density_below_zero_has_a_real_minus(page: Any) -> None:
    """Protects from hyphens, which the pages of the scans do not have either."""
    column = texts(page, "#scans th").index("mean HU")
    assert row(page, "sure").find_elements("css selector", "td")[column].text == "\N{MINUS SIGN}800"


def test_everything_works_without_a_mouse(page: Any) -> None:
    """A row opens and closes, and a column sorts, both ways, by Enter."""
    from selenium.webdriver.support.ui import WebDriverWait

    press(row(page, "unsure"))
    assert "The scan ends inside the lungs." in texts(page, "tr.detail")[0]
    WebDriverWait(page, 5).until(lambda _: "look at first" not in texts(page, "tr.detail")[0], "there are none")
    press(row(page, "unsure"))
    assert not texts(page, "tr.detail")
    title = next(each for each in page.find_elements("css selector", "#scans th") if each.text == "confidence")
    names = []
    for _ in range(2):
        press(title)
        names.append([each.split()[0] for each in texts(page, "#scans tbody tr")])
    assert names == [["unsure", "sure", "failed", "none"], ["sure", "unsure", "failed", "none"]]


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_is_read_in_the_light_and_in_the_dark(page: Any, scheme: str, is_dark: bool) -> None:
    """Protects contrast (WCAG AA), labels and roles, with all that there is shown, in the scheme the user has."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    page.refresh()
    for name in ("failed", "unsure"):
        row(page, name).click()
    background = page.execute_script("return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g)")
    assert (max(map(int, background)) < 64) == is_dark
    assert not serious(page)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [feature]})
    paper = page.execute_script("return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g)")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert min(map(int, paper)) == 255, "ink is spent on a dark page"
    assert not [each for each in page.get_log("browser") if ".png" not in each["message"]]


def open_failures(page: Any, folder: Path) -> None:
    """Open the page of 150 scans that failed."""
    reports = [{"name": f"scan {number}", "error": "x", "identity": {}, "scanner": {}} for number in range(150)]
    write_page(folder / "index.html", [row_of(each) for each in reports], reports)
    page.get((folder / "index.html").as_uri())


def rows(page: Any) -> int:
    """Count the rows that are drawn."""
    return int(page.execute_script("return document.querySelectorAll('#scans tbody tr').length"))


def test_a_window_higher_than_the_first_rows_is_filled(page: Any, tmp_path: Path) -> None:
    """Protects the scans after the sixtieth: the end of the table stays in view when sixty low rows come, and a
    browser tells of no change then.
    """
    from selenium.webdriver.support.ui import WebDriverWait

    page.set_window_size(1280, 9000)
    open_failures(page, tmp_path)
    WebDriverWait(page, 5).until(lambda _: rows(page) == 150)


def test_titles_of_columns_stay_in_view_among_many_scans(page: Any, tmp_path: Path) -> None:
    """Protects from numbers without a title: after a screen of rows nobody knew which was which."""
    page.set_window_size(1280, 900)
    open_failures(page, tmp_path)
    page.execute_script("document.querySelectorAll('#scans tbody tr')[50].scrollIntoView({block: 'center'})")
    top = page.execute_script("return document.querySelector('#scans th').getBoundingClientRect().top")
    assert 0 <= top < 450


def test_all_scans_are_printed_with_all_columns_and_their_titles(page: Any, tmp_path: Path) -> None:
    """Protects paper: it had sixty of the scans, no remarks, which were cut off, and titles on its first page only."""
    open_failures(page, tmp_path)
    page.execute_cdp_cmd("Page.printToPDF", {})
    assert rows(page) == 150
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    titles = (
        "return [...document.querySelectorAll('#scans th')].map((each) => getComputedStyle(each, '::before').content)"
    )
    overflow = "return getComputedStyle(document.querySelector('.wide')).overflow"
    try:
        assert page.execute_script(titles)[::2] == ['"scan"', '"remarks"']
        assert page.execute_script(overflow) == "visible"
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
