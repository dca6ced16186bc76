"""A server in a process of its own, and what a user sees and does on its page."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 60.0


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

    def pid_of(self, part: str) -> int:
        """Return a process of the server with this part of a command line; 0 if there is none."""
        from LungUNetSegSlicer.run.process_tree import descendants

        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError):  # it has just ended
                if part.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return 0

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

    def colours(self, view: int = 0) -> np.ndarray[Any, Any]:
        """Return what a view shows, (pixel, RGB)."""
        self.browser.set_script_timeout(20)
        values = self.browser.execute_script(
            "const c = document.querySelectorAll('canvas')[arguments[0]];"
            "const all = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "return Array.from(all.filter((_, i) => i % 16 < 3))",
            view,
        )
        return np.array(values).reshape(-1, 3)

    def coloured(self, channels: tuple[int, int]) -> int:
        """Count the axial view's pixels that have more of one channel than of another, as a lung's colour."""
        pixels, (more, less) = self.colours().astype(int), channels
        return int(np.count_nonzero(pixels[:, more] - pixels[:, less] > 30))

    def fits(self) -> bool:
        """Whether the axial picture has the size of its place: counts of pixels in two such can be compared."""
        script = "const c = arguments[0]; return c.width === c.clientWidth && c.height === c.clientHeight"
        return bool(self.browser.execute_script(script, self.all("canvas")[0]))

    def slice_shown(self, view: str) -> str:
        """Return which slice a view shows, in words."""
        return str(self.find(f'input[aria-label="{view} slice"]').get_attribute("aria-valuetext"))

    def downloaded(self, ending: str) -> Path:
        """Wait for a download, and return its file."""
        folder = self.browser.downloads

        def arrived() -> Path | None:
            files = [each for each in folder.iterdir() if each.name.endswith(ending)]
            return files[0] if files and files[0].stat().st_size else None

        return wait_for(arrived)
