"""A program in place of the page: it speaks with the server as the page does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import aiohttp
from web_page import Server
from yarl import URL

Client = aiohttp.ClientSession


COOKIES: dict[int, str] = {}
"""The first user's cookie of each server, by its port: starting a session takes seconds, so most tests share one."""


@asynccontextmanager
async def new_client() -> AsyncIterator[Client]:
    """A client that keeps cookies, also those of localhost."""
    async with Client(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield client
    # A connection that is refused in the middle of an upload takes some turns of the loop to close. Left to the garbage
    # collector it warns, in whatever test runs then.
    await asyncio.sleep(0.1)


def run(work: Callable[[Client], Awaitable[Any]], server: Server | None = None) -> Any:
    """Run something with a client; of the first user, given a server."""

    async def all_of_it() -> Any:
        async with new_client() as client:
            if server is not None and server.port in COOKIES:
                client.cookie_jar.update_cookies({"lungunetseg": COOKIES[server.port]}, URL(server.url))
            result = await work(client)
            if server is not None:
                found = client.cookie_jar.filter_cookies(URL(server.url))
                COOKIES[server.port] = found["lungunetseg"].value
            return result

    return asyncio.run(all_of_it())


def refusal(server: Server, files: dict[str, bytes], part: str) -> str:
    """Upload files; return what the page says, which has to hold a part."""

    async def work(client: Client) -> str:
        async with socket(client, server) as page:
            await upload(client, server, files)
            said = await state(page, lambda now: part in now["errors"].get("open", ""))
            return str(said["errors"]["open"])

    return str(run(work, server))


@asynccontextmanager
async def socket(client: Client, server: Server, query: str = "") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a session."""
    await (await client.get(server.url)).read()
    async with client.ws_connect(f"{server.url}socket{query}", max_msg_size=1 << 24) as page:
        yield page


async def state(page: aiohttp.ClientWebSocketResponse, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return the first state that is as wanted."""
    async with asyncio.timeout(60):
        async for message in page:
            if message.type is aiohttp.WSMsgType.BINARY:
                await page.send_json({"do": "seen", "view": message.data[0]})
                continue
            told = json.loads(message.data)
            if "state" in told and wanted(told["state"]):
                found: dict[str, Any] = told["state"]
                return found
    raise AssertionError("the connection was closed")


async def upload(client: Client, server: Server, files: Mapping[str, bytes | BinaryIO]) -> tuple[int, str]:
    """Upload files by their names; return the status and what was said."""
    form = aiohttp.FormData(quote_fields=False)  # as browsers do, so that a folder stays one
    for name, content in files.items():
        form.add_field("file", content, filename=name)
    async with client.post(f"{server.url}upload", data=form) as answer:
        return answer.status, await answer.text()


def statuses(now: dict[str, Any]) -> list[str]:
    """Return how the segmentation of each open scan stands."""
    return [each["status"] for each in now["scans"]]
