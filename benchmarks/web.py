"""Measures the page of `lungunetseg web` with Chromium, on this machine alone: ``python benchmarks/web.py``.

Times of the sample scan from click to lungs, beside those of the command line; pictures a second while one scrolls,
with and without a segmentation, and with local density in colour; how soon the page is useful; memory of a session with
the sample, and of idle ones.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from LungUNetSegLib import sample

SLICES = 100
IDLE_SESSIONS = 10
WAIT_S = 300.0

SCROLL = """
const [slices, done] = arguments, canvas = document.querySelector("canvas"), times = [];
const drawn = () => +(canvas.dataset.drawn || 0);
let step = -100;
(async () => {
  for (let number = 0; number < slices; number++) {
    const before = drawn(), started = performance.now();
    if (number === slices / 2) step = 100;
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: step, cancelable: true }));
    while (drawn() === before && performance.now() - started < 5000) await new Promise((go) => setTimeout(go, 1));
    times.push(performance.now() - started);
  }
  done(times);
})();
"""
"""Scrolls slice by slice, up and down again, waiting for each picture."""


def browser() -> Any:
    """Start Chromium."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for each in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "window-size=1280,900"):
        options.add_argument(f"--{each}")
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(WAIT_S)
    return driver


def wait_for(what: Callable[[], Any]) -> float:
    """Wait until something is true; return the seconds that it took."""
    started = time.monotonic()
    while not what():
        if time.monotonic() - started > WAIT_S:
            raise SystemExit("This took too long; is the server there?")
        time.sleep(0.02)
    return time.monotonic() - started


def memory_mb(folder: Path) -> list[float]:
    """Return the proportional set size of each viewer that works in a folder, with its children."""
    sizes = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
                if str(folder).encode() in words and b"viewer.main" in words:
                    text = (entry / "smaps_rollup").read_text()
                    sizes.append(int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1000)  # type: ignore[index]
            except OSError:
                continue
    return sorted(sizes)


def pictures_a_second(driver: Any) -> float:
    """Return the median rate while one scrolls."""
    times_ms: list[float] = driver.execute_async_script(SCROLL, SLICES)
    return 1000 / statistics.median(times_ms)


def command_s() -> float:
    """Return the wall time of the command line for the sample."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["segment", str(sample.fetch()), "-o", f"{folder}/lungs.seg.nrrd"]
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "LungUNetSegLib", *words], check=True, capture_output=True)
        return time.monotonic() - started


def measure(folder: Path, port: int) -> None:
    """Measure, and print each figure."""
    from selenium.webdriver.common.by import By

    driver = browser()

    def find(name: str) -> Any:
        return driver.find_element(By.ID, name)

    try:
        started = time.monotonic()
        driver.get(f"http://localhost:{port}/")
        print(f"buttons usable after        {time.monotonic() - started:6.1f} s", flush=True)
        wait_for(lambda: driver.find_element(By.TAG_NAME, "canvas").get_attribute("data-drawn"))
        print(f"first picture after         {time.monotonic() - started:6.1f} s", flush=True)
        find("open-sample").click()
        print(f"sample shown after          {wait_for(lambda: find('segment').is_displayed()):6.1f} s", flush=True)
        time.sleep(3)
        print(f"scrolling                   {pictures_a_second(driver):6.1f} pictures/s", flush=True)
        find("segment").click()
        started = time.monotonic()
        print(f"scrolling while it segments {pictures_a_second(driver):6.1f} pictures/s", flush=True)
        wait_for(lambda: find("result-part").is_displayed())
        print(f"lungs with scrolling after  {time.monotonic() - started:6.1f} s", flush=True)
        time.sleep(2)
        find("segment").click()
        wait_for(lambda: not find("segment").is_enabled())
        started = time.monotonic()
        wait_for(lambda: find("segment").is_enabled())
        print(f"lungs after                 {time.monotonic() - started:6.1f} s", flush=True)
        print(f"the command line takes      {command_s():6.1f} s", flush=True)
        print(f"memory of the session       {memory_mb(folder)[-1]:6.0f} MB (PSS)", flush=True)
        find("density").click()
        print(f"local density after         {wait_for(lambda: find('legend').is_displayed()):6.1f} s", flush=True)
        time.sleep(2)
        print(f"scrolling with its colours  {pictures_a_second(driver):6.1f} pictures/s", flush=True)
    finally:
        driver.quit()


def measure_idle(folder: Path, port: int) -> None:
    """Open sessions that do nothing, and print what each takes."""
    import asyncio

    import aiohttp

    async def stay(client: aiohttp.ClientSession, is_open: asyncio.Event) -> None:
        await (await client.get(f"http://localhost:{port}/")).read()
        async with client.ws_connect(f"http://localhost:{port}/socket") as page:
            async for _ in page:  # also answers the server's pings
                is_open.set()

    async def open_all() -> None:
        async with AsyncExitStack() as stack:
            tasks = []
            for _ in range(IDLE_SESSIONS):
                jar = aiohttp.CookieJar(unsafe=True)
                client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
                is_open = asyncio.Event()
                tasks.append(asyncio.create_task(stay(client, is_open)))
                await is_open.wait()
            sizes = memory_mb(folder)[:IDLE_SESSIONS]
            print(f"memory of an idle session   {statistics.mean(sizes):6.0f} MB (PSS, of {len(sizes)})", flush=True)
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(open_all())


def main() -> None:
    """Start a server, measure, and end it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    sample.fetch()
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "LungUNetSegLib", "web", "--port", "0", "--sessions", "12", "--grace", "5"]
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": folder})
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[4].rstrip("/").rpartition(":")[2])
        time.sleep(10)  # a server is usually up before its first user
        try:
            measure(Path(folder), port)
            measure_idle(Path(folder), port)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


if __name__ == "__main__":
    main()
