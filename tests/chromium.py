"""A browser that clicks as a user does; Chromium and its driver come from the system."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def start_chromium(downloads: Path) -> Any:
    """Return a driver, which the caller has to quit; its attribute `downloads` is that folder.

    Without Chromium or its driver, the test is skipped, aloud.
    """
    if not CHROMIUM or not DRIVER:
        pytest.skip("no chromium and chromedriver: the page is not clicked through (.ci/run installs them)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    flags = ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-dev-shm-usage")
    # A colour that is still changing has no contrast to be judged by.
    for each in (*flags, "no-first-run", "window-size=1280,900", "force-prefers-reduced-motion"):
        options.add_argument(f"--{each}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.downloads = downloads
    return driver


def drop(driver: Any, *files: Path) -> None:
    """Drop files or folders on the open page, as from a file manager."""
    data = {"items": [], "files": [str(each) for each in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


def serious(driver: Any) -> list[str]:
    """Return what axe-core finds in the open page that keeps people out."""
    from axe_selenium_python import Axe

    axe = Axe(driver)
    axe.inject()
    found = axe.run()["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in ("serious", "critical")]
