"""A running server, and a browser that clicks as a user does.

Chromium and its driver come from the system; without them the tests that click are skipped, aloud.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from children import MODULE_FOLDER
from web_page import Page, Server, start_server

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

if str(MODULE_FOLDER) not in sys.path:
    sys.path.append(str(MODULE_FOLDER))


@pytest.fixture(scope="module")
def make_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends them after the module's tests; nothing of theirs may stay."""
    servers: list[Server] = []

    def make(*options: str) -> Server:
        servers.append(start_server(tmp_path_factory.mktemp("server"), *options))
        return servers[-1]

    yield make
    for server in servers:
        if server.process.poll() is None:
            server.stop()
        if server.process.stdout:
            server.process.stdout.close()
        assert not list(server.temporary.iterdir()), "files of a session are left"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium; its attribute `downloads` is the folder of its downloads."""
    if not CHROMIUM or not DRIVER:
        pytest.skip("no chromium and chromedriver: the page is not clicked through (.ci/run installs them)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    downloads = tmp_path_factory.mktemp("downloads")
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
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(browser: Any, make_server: Callable[..., Server]) -> Page:
    """The page of a server, just opened."""
    server = make_server("--grace", "3", "--upload-gb", "0.05")
    browser.get(server.url)
    opened = Page(browser)
    opened.server = server  # type: ignore[attr-defined]
    return opened
