"""A running server, a browser that clicks as a user does, and a page without a browser.

Chromium and its driver come from the system; without them the tests that click are skipped, aloud.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from children import MODULE_FOLDER

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WAIT_S = 60.0

if str(MODULE_FOLDER) not in sys.path:
    sys.path.append(str(MODULE_FOLDER))


def wait_for(what: Callable[[], Any], seconds: float = WAIT_S) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    token: str
    temporary: Path

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://localhost:{self.port}/"

    def folders(self) -> list[Path]:
        """The sessions' folders, with that of the session that is started ahead."""
        return sorted(self.temporary.glob("LungUNetSeg-*"))

    def stop(self) -> float:
        """End it as an administrator does; return the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - started


def start_server(temporary: Path, *options: str) -> Server:
    """Start `lungunetseg web` on any free port."""
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "LungUNetSegLib", "web", "--port", "0", *options]
    variables = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables, cwd=temporary)
    assert process.stdout is not None
    address = process.stdout.readline().split()[4]
    token = process.stdout.readline().split()[1] if "--host" in options else ""
    return Server(process, int(address.rstrip("/").rpartition(":")[2]), token, temporary)


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
        assert not server.folders(), "files of a session are left"


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
    for each in (*flags, "no-first-run", "window-size=1280,900"):
        options.add_argument(f"--{each}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.downloads = downloads
    yield driver
    driver.quit()


class Page:
    """What a user sees and does.

    Args:
        browser: Chromium, at the page.
    """

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def find(self, selector: str) -> Any:
        """Return an element by its CSS selector."""
        from selenium.webdriver.common.by import By

        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        """Return all elements of a CSS selector."""
        from selenium.webdriver.common.by import By

        return list(self.browser.find_elements(By.CSS_SELECTOR, selector))

    def shown(self, selector: str) -> Any:
        """Wait until an element is seen, and return it."""
        return wait_for(lambda: next((each for each in self.all(selector) if each.is_displayed()), None))

    def click(self, selector: str) -> None:
        """Click on what can be clicked on, as soon as it can."""
        wait_for(lambda: self.shown(selector).is_enabled())
        self.shown(selector).click()

    def text(self, selector: str) -> str:
        """Return the text of an element that is seen."""
        return str(self.shown(selector).text)

    def says(self, selector: str, text: str) -> None:
        """Wait until an element holds a text."""
        wait_for(lambda: any(text in each.text for each in self.all(selector)))

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list."""
        from selenium.webdriver.support.ui import Select

        Select(self.find(selector)).select_by_value(value)

    def pictures(self, view: int = 0) -> int:
        """Return how many pictures a view has drawn."""
        return int(self.all("canvas")[view].get_attribute("data-drawn") or 0)

    def downloaded(self, ending: str) -> Path:
        """Wait for a download, and return its file."""
        folder = self.browser.downloads

        def arrived() -> Path | None:
            files = [each for each in folder.iterdir() if each.name.endswith(ending)]
            return files[0] if files and files[0].stat().st_size else None

        return wait_for(arrived)


@pytest.fixture(scope="module")
def page(browser: Any, make_server: Callable[..., Server]) -> Page:
    """The page of a server, just opened."""
    server = make_server("--grace", "3", "--upload-gb", "0.05")
    browser.get(server.url)
    opened = Page(browser)
    opened.server = server  # type: ignore[attr-defined]
    return opened
