"""Segmentations of different users wait for each other: in order, told, and never for one that has gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from web_client import new_client, socket, state
from web_page import Server, wait_for

Page = aiohttp.ClientWebSocketResponse


async def hears(reader: asyncio.StreamReader, number: int) -> None:
    """Wait until the queue says a number."""
    while int(await asyncio.wait_for(reader.readline(), 5)) != number:
        pass


def test_turns_are_given_in_order_and_those_who_leave_are_not_waited_for(tmp_path: Path) -> None:
    """Protects fairness: of five, two run; the others are told how many are before them, whoever leaves."""
    from LungUNetSegSlicer.web.segmentation_queue import SegmentationQueue

    async def work() -> None:
        queue, readers, writers = SegmentationQueue(2), [], []
        async with await asyncio.start_unix_server(lambda *pipes: queue.serve("user", *pipes), tmp_path / "queue"):
            for place in (0, 0, 2, 3, 4):
                reader, writer = await asyncio.open_unix_connection(tmp_path / "queue")
                readers.append(reader)
                writers.append(writer)
                await hears(reader, place)
            writers[3].close()  # the second of those who wait gives up
            await hears(readers[4], 3)
            assert queue.is_waiting("user") and not queue.is_waiting("another")
            writers[0].close()  # one that runs is done
            await hears(readers[2], 0)
            await hears(readers[4], 2)
            writers[1].close()
            await hears(readers[4], 0)
            assert not queue.is_waiting("user")
            for each in writers:
                each.close()

    asyncio.run(work())


@asynccontextmanager
async def user(server: Server) -> AsyncIterator[Page]:
    """A user with the phantom open who has pressed Segment lungs."""
    async with new_client() as client, socket(client, server) as page:
        await page.send_json({"do": "phantom"})
        number = (await state(page, lambda now: now["current"] is not None))["current"]
        await page.send_json({"do": "segment", "number": number})
        yield page


async def says(page: Page, status: str, stage: str = "") -> None:
    """Wait until the page shows how its only scan stands."""
    await state(page, lambda now: now["scans"][0]["status"] == status and now["scans"][0]["stage"].startswith(stage))


@pytest.fixture(scope="module")
def server(make_server: Callable[..., Server]) -> Server:
    """One segmentation at a time, as without an option."""
    return make_server("--grace", "1")


def test_users_wait_for_each_other_and_the_page_says_for_how_many(server: Server) -> None:
    """Protects the server's memory and the users' patience: one runs, the next when it has gone, even if it crashed."""

    async def work() -> None:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(user(server))
            await says(first, "running")
            child = await asyncio.to_thread(wait_for, lambda: server.pid_of("run.segmentation_child"))
            os.kill(child, signal.SIGSTOP)  # it takes as long as the test
            viewer = int(Path(f"/proc/{child}/stat").read_text().split()[3])
            async with user(server) as second:
                await says(second, "waiting", "1 scan is before yours")
                third = await stack.enter_async_context(user(server))
                await says(third, "waiting", "2 scans are before yours")
                await third.send_json({"do": "cancel", "number": 0})
                await says(third, "cancelled")
                await third.send_json({"do": "segment", "number": 0})
                await says(third, "waiting", "2 scans are before yours")
            await says(third, "waiting", "1 scan is before yours")  # the second closed the page
            os.kill(viewer, signal.SIGKILL)
            os.kill(child, signal.SIGCONT)
            await says(third, "running")
            await third.send_json({"do": "cancel", "number": 0})
            await says(third, "cancelled")

    asyncio.run(work())
