"""A session's pages and downloads, of which two may be under way at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer


def test_a_page_gets_all_pictures_while_the_one_before_it_still_closes(core: Any, tmp_path: Path) -> None:
    """Protects reloads and second tabs: the earlier page took pictures of the later one, whose views stayed black."""
    from LungUNetSegSlicer.web.viewer.pictures import Pictures
    from LungUNetSegSlicer.web.viewer.service import _Service
    from LungUNetSegSlicer.web.viewer.views import NAMES

    class Workspace:
        pictures = Pictures(SimpleNamespace(draw=lambda _: np.zeros((4, 4, 3), np.uint8)))  # type: ignore[arg-type]

        async def push_to(self, _: Any) -> None:
            await asyncio.Event().wait()

    async def work() -> None:
        workspace: Any = Workspace()
        app = web.Application()
        app.router.add_get("/socket", _Service(workspace, tmp_path).socket)
        async with TestClient(TestServer(app)) as client:
            for _ in range(2):
                page = await client.ws_connect("/socket")  # the first one is never closed
                got = [(await page.receive_bytes(timeout=20))[0] for _ in NAMES]
                assert sorted(got) == list(range(len(NAMES)))

    asyncio.run(work())


def test_two_downloads_at_once_are_both_whole_and_leave_nothing(core: Any, tmp_path: Path) -> None:
    """Protects a report that is fetched while the lungs are written: each removed the other's file."""
    from LungUNetSegSlicer.web.viewer.service import _Service

    class Workspace:
        async def download(self, wanted: str, folder: Path) -> Path:
            path = folder / wanted
            path.write_text(wanted)
            await asyncio.sleep(0.05)
            return path

    async def work() -> None:
        workspace: Any = Workspace()
        app = web.Application()
        app.router.add_get("/download/{name}", _Service(workspace, tmp_path).download)
        async with TestClient(TestServer(app)) as client:

            async def fetch(name: str) -> str:
                async with client.get(f"/download/{name}") as answer:
                    return await answer.text()

            assert await asyncio.gather(fetch("one.csv"), fetch("two.html")) == ["one.csv", "two.html"]
        assert not list(tmp_path.iterdir())

    asyncio.run(work())
