"""The site with a viewer that is only pretended: what passes between page and viewer when one is slow or gone."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

if TYPE_CHECKING:
    from LungUNetSegSlicer.web.sessions import Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session whose viewer seems to run, and answers nothing."""
    from LungUNetSegSlicer.web.sessions import Session

    running: Any = SimpleNamespace(pid=0, returncode=None)
    return Session(running, tmp_path)


def client_of(session: Session) -> TestClient[Any, Any]:
    """Return a client of a site that gives everyone this session; opened and closed as a context."""
    from LungUNetSegSlicer.web.access import COOKIE, Access
    from LungUNetSegSlicer.web.limits import Limits
    from LungUNetSegSlicer.web.site import Site

    async def present(_: str) -> Session:
        return session

    access, sessions = Access(needs_token=False), SimpleNamespace(limits=Limits(), present=present)
    site = TestServer(Site(access, sessions).application())  # type: ignore[arg-type]
    return TestClient(site, cookies={COOKIE: access.new_cookie()}, timeout=aiohttp.ClientTimeout(total=60))


def test_an_upload_to_a_viewer_that_has_just_ended_is_refused_in_a_sentence(session: Session) -> None:
    """Protects who reads the page, which showed the server's own "500 Internal Server Error"."""

    async def work() -> None:
        async with client_of(session) as client:
            answer = await client.post("/upload", data={"file": io.BytesIO(b"x")})
            assert (answer.status, session.uploads) == (400, 0)
            assert (await answer.json())["error"].startswith("The viewer ended before it had opened the files.")

    asyncio.run(work())


def test_a_download_over_a_slow_network_is_not_cut_off(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects large files: aiohttp ends a request after five minutes, here after 0.2 s, and with it the download."""

    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(10):
            await answer.write(b"x")
            await asyncio.sleep(0.05)
        return answer

    async def work() -> None:
        viewer = web.Application()
        viewer.router.add_get("/download/csv", slow)
        runner = web.AppRunner(viewer)
        await runner.setup()
        await web.UnixSite(runner, str(session.socket)).start()
        async with client_of(session) as client:
            assert await (await client.get("/download/csv")).read() == b"x" * 10
        await runner.cleanup()

    monkeypatch.setattr("aiohttp.client.DEFAULT_TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    asyncio.run(work())
