"""Who may enter the server, and what its answers allow a page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from web_client import Client, run
from web_page import Server


@pytest.fixture(scope="module")
def guarded(make_server: Callable[..., Server]) -> Server:
    """For other machines, too."""
    return make_server("--host", "127.0.0.1")


def test_other_machines_need_the_token_and_get_a_cookie_that_scripts_cannot_read(guarded: Server) -> None:
    async def work(client: Client) -> None:
        asked = await (await client.get(guarded.url)).text()
        assert "asks for the token" in asked and "Segment lungs" not in asked
        assert (await client.get(f"{guarded.url}socket")).status == 403
        wrong = await client.post(f"{guarded.url}enter", data={"token": guarded.token[:-1]})
        assert wrong.url.query_string == "wrong" and not list(client.cookie_jar)
        right = await client.post(f"{guarded.url}enter", data={"token": guarded.token}, allow_redirects=False)
        cookie = right.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and guarded.token not in cookie
        assert "Segment lungs" in await (await client.get(guarded.url)).text()

    run(work)


def test_the_cookie_goes_only_through_tls_where_a_proxy_has_it(guarded: Server) -> None:
    async def work(client: Client) -> None:
        sent = {"X-Forwarded-Proto": "https"}
        answer = await client.post(
            f"{guarded.url}enter", data={"token": guarded.token}, headers=sent, allow_redirects=False
        )
        assert "Secure" in answer.headers["Set-Cookie"]

    run(work)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_pages_of_other_sites_are_refused(server: Server, headers: dict[str, str]) -> None:
    """Protects a user from a site that makes its name, or its scripts, lead to this server."""

    async def work(client: Client) -> None:
        assert (await client.get(server.url, headers=headers)).status == 403

    run(work)


def test_every_answer_forbids_foreign_scripts_and_frames(server: Server) -> None:
    async def work(client: Client) -> None:
        for path in ("", "page/app.js", "nowhere"):
            headers = (await client.get(f"{server.url}{path}")).headers
            assert "default-src 'self'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"

    run(work)
