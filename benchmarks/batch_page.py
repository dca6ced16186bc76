"""How index.html of a batch behaves in Chromium with many scans: python benchmarks/batch_page.py FOLDER [SCANS].

A made-up batch of phantoms goes through the project's own table, preview and page; each scan has its own picture file.
Every step is timed until the second frame after it; the longest block of the browser's main thread is given too.
Screenshots of the page stay in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from selenium import webdriver

from LungUNetSegLib.batch.page import write_page
from LungUNetSegLib.batch.table import row_of
from LungUNetSegLib.evaluation.report.preview import draw_preview
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.segments import LUNGS

STEPS = {
    "sort by confidence": "[...titles.children].find(each => each.textContent === 'confidence').firstChild.click()",
    "sort by scan": "titles.firstChild.firstChild.click()",
    "filter to a site": "filter.value = 'Bern'; filter.oninput()",
    "no filter": "filter.value = ''; filter.oninput()",
    "open a scan": "document.querySelector('#scans tbody tr:not(.failed)').click()",
}
WATCH = """window.longest = 0;
new PerformanceObserver(list => { for (const each of list.getEntries()) longest = Math.max(longest, each.duration); })
  .observe({ type: 'longtask', buffered: true });"""
TIMED = """const done = arguments[0], begin = performance.now();
%s;
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begin)));"""
TO_THE_END = """const [count, done] = arguments, begin = performance.now();
function on() {
  scrollTo(0, document.body.scrollHeight);
  if (document.querySelectorAll('#scans tbody tr:not(.detail)').length >= count) done(performance.now() - begin);
  else requestAnimationFrame(on);
}
on();"""


def make_batch(folder: Path, scans: int) -> None:
    """Write index.html and a picture for each scan."""
    phantom = make_phantom()
    picture = draw_preview(phantom.ct, phantom.labels, LUNGS)
    reports = [_report(number) for number in range(scans)]
    for report in reports:
        if "error" not in report:
            place = folder / "scans" / report["name"]
            place.mkdir(parents=True, exist_ok=True)
            (place / "preview.png").write_bytes(picture)
            (place / "doubtful.png").write_bytes(picture)
    write_page(folder / "index.html", [row_of(report) for report in reports], reports)


def _report(number: int) -> dict[str, Any]:
    """A report as `scan.json` holds it; every fiftieth scan failed."""
    name, site = f"scan {number:05d}", ("Bern", "Aarhus", "Lyon", "Turin")[number % 4]
    scanner = {"site": site, "kernel": ("B30f", "LUNG")[number % 2]}
    if number % 50 == 0:
        return {"name": name, "error": "too little memory", "identity": {}, "scanner": scanner}
    volumes = {"right": 2000.0 + number % 997, "left": 1800.0 + number % 887, "total": 4000.0 + number % 1009}
    return {
        "name": name, "identity": {"description": f"Thorax {number}"}, "scanner": scanner, "volumes_ml": volumes,
        "mean_hu": dict.fromkeys(volumes, -800.0 + number % 61),
        "quality": {"confidence": 1.0 - (number * 7919 % 1000) / 5000, "cut_mm2": {"feet": 0.0, "head": 0.0}},
        "findings": [], "seconds": {"load": 1.0, "read": 1.0, "segment": 9.0}, "engine": "torch", "lungunetseg": "1",
        "model": {"name": "lungs", "sha256": "0"},
        "geometry": {"shape": [150, 512, 512], "spacing_mm": [2.0, 0.7, 0.7]},
    }  # fmt: skip


def look(folder: Path, scans: int) -> None:
    """Print the times of each step and leave the pictures."""
    options = webdriver.ChromeOptions()
    for each in ("--headless=new", "--no-sandbox", "--window-size=1280,900"):
        options.add_argument(each)
    options.binary_location = "/usr/bin/chromium"
    browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        browser.get((folder / "index.html").resolve().as_uri())
        browser.execute_async_script(TIMED % "")  # the first paint may come after the page has loaded
        opened = browser.execute_script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
        _say(browser, "open, to the first paint", opened)
        for width in (1280, 1920):
            browser.set_window_size(width, 900)
            browser.save_screenshot(str(folder / f"{width}.png"))
        for name, action in STEPS.items():
            _say(browser, name, browser.execute_async_script(TIMED % action))
        browser.save_screenshot(str(folder / "opened.png"))
        _say(browser, "scroll to the last scan", browser.execute_async_script(TO_THE_END, scans))
    finally:
        browser.quit()


def _say(browser: webdriver.Chrome, name: str, took_ms: float) -> None:
    longest = browser.execute_script("const was = longest; longest = 0; return was")
    print(f"{name:28} {took_ms:7.0f} ms, longest block {longest:5.0f} ms")


if __name__ == "__main__":
    folder, scans = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    make_batch(folder, scans)
    look(folder, scans)
