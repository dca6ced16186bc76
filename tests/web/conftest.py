"""A running server, and a browser that clicks as a user does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from children import MODULE_FOLDER
from chromium import start_chromium
from web_page import Page, Server, start_server
from web_stub import PretendedServer

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
def server(make_server: Callable[..., Server]) -> Server:
    """For this machine only, with small limits."""
    return make_server("--grace", "2", "--sessions", "3", "--scans", "2", "--upload-gb", "0.05")


@pytest.fixture(scope="module")
def pretended() -> Iterator[PretendedServer]:
    """A server that only pretends."""
    made = PretendedServer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, see `start_chromium`."""
    driver = start_chromium(tmp_path_factory.mktemp("downloads"))
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
