"""The first page of a server for other machines, in a browser: the token is typed and lets in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from web_page import Server, wait_for


def test_a_browser_enters_with_the_token(make_server: Callable[..., Server], browser: Any) -> None:
    """Protects everyone who uses the server from another machine: the page's own form was refused, because a browser
    that may not say where it comes from sends the origin "null".
    """
    server = make_server("--host", "127.0.0.1")
    browser.get(server.url)
    browser.find_element("id", "token").send_keys(f"{server.token}\n")
    wait_for(lambda: "Segment lungs" in browser.page_source)
    assert [each["httpOnly"] for each in browser.get_cookies()] == [True]
