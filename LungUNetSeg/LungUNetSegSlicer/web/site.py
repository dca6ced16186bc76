"""Serves the page: checks who may enter, and passes messages on to the user's own process and back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, web

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.web.access import COOKIE, Access, is_same_origin
from LungUNetSegSlicer.web.sessions import UPLOADS, Session, SessionError, Sessions
from LungUNetSegSlicer.web.uploads import receive

PAGE = Path(__file__).with_name("page")
ENDED, ELSEWHERE, FULL = 4002, 4001, 4003
"""Codes by which the page knows why its connection was closed; the sentence comes before."""

WRONG_TOKEN_PAUSE_S = 1.0
SEEN = '{"do":"seen"'
"""How a page says that it drew a picture; a session that only draws is idle."""

MOST_MESSAGE_BYTES = 1 << 24

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # without it browsers send the origin "null" with our own form
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The server's routes.

    Args:
        access: Who may enter.
        sessions: The users' processes.
    """

    def __init__(self, access: Access, sessions: Sessions) -> None:
        self._access, self._sessions = access, sessions

    def application(self) -> web.Application:
        """Return the application that serves all routes."""
        app = web.Application(middlewares=[self._guard], client_max_size=MOST_MESSAGE_BYTES)
        app.router.add_get("/", self._page)
        app.router.add_post("/enter", self._enter)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/upload", self._upload)
        app.router.add_get("/download/{name}", self._download)
        app.router.add_static("/page", PAGE)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from our own page, and give every answer its headers."""
        if not self._access.allows_host(request.host) or not is_same_origin(
            request.headers.get("Origin"), request.host
        ):
            raise web.HTTPForbidden(text="This request does not come from the server's own page.")
        is_open = request.path in ("/", "/enter") or request.path.startswith("/page/")
        if not is_open and not self._access.admits(request.cookies.get(COOKIE)):
            raise web.HTTPForbidden(text="Open the server's first page, and give the token.")
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if self._access.admits(request.cookies.get(COOKIE)):
            return web.FileResponse(PAGE / "index.html")
        if self._access.token is not None:
            return web.FileResponse(PAGE / "enter.html")
        response = web.FileResponse(PAGE / "index.html")
        self._set_cookie(request, response)
        return response

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        given = (await request.post()).get("token", "")
        if not isinstance(given, str) or not self._access.is_token(given):
            await asyncio.sleep(WRONG_TOKEN_PAUSE_S)
            raise web.HTTPSeeOther("/?wrong")
        response = web.HTTPSeeOther("/")
        self._set_cookie(request, response)
        raise response

    def _set_cookie(self, request: web.Request, response: web.StreamResponse) -> None:
        is_tls = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(COOKIE, self._access.new_cookie(), httponly=True, samesite="Strict", secure=is_tls)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        session = await self._session(request)
        session.touch()
        session.uploads += 1
        try:
            await _ask(session, "/uploading", {"size": str(request.content_length or 0)})
            folder = await receive(request, session.folder / UPLOADS, self._sessions.limits.upload_bytes)
            asked = {name: request.query[name] for name in ("kind", "scan") if name in request.query}
            await _ask(session, "/uploaded", {"folder": folder.name, **asked})
        except LungUNetSegError as error:
            return web.json_response({"error": str(error)}, status=400)
        except aiohttp.ClientError:
            told = "The viewer ended before it had opened the files. Upload them again."
            return web.json_response({"error": told}, status=400)
        finally:
            session.uploads -= 1
        return web.json_response({})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        session = await self._session(request)
        session.touch()
        url = f"http://viewer/download/{request.match_info['name']}"
        async with _client(session) as client, client.get(url) as answer:
            response = web.StreamResponse(status=answer.status, headers=HEADERS)
            for name in ("Content-Type", "Content-Disposition", "Content-Length"):
                if name in answer.headers:
                    response.headers[name] = answer.headers[name]
            with contextlib.suppress(ConnectionResetError):  # the browser broke it off
                await response.prepare(request)
                async for chunk in answer.content.iter_chunked(1 << 18):
                    await response.write(chunk)
                await response.write_eof()
            return response

    async def _session(self, request: web.Request) -> Session:
        session = await self._sessions.present(request.cookies[COOKIE])
        if session is None:
            raise web.HTTPGone(text="This session has ended. Reload the page.")
        return session

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        """Connect a page with its user's process."""
        page = web.WebSocketResponse(heartbeat=20.0, max_msg_size=MOST_MESSAGE_BYTES)
        await page.prepare(request)
        try:
            session, told = await self._sessions.open(request.cookies[COOKIE])
        except SessionError as error:
            await _say_and_close(page, FULL, {"ended": str(error)})
            return page
        tab = request.query.get("tab", "")
        if session.close_page is not None and session.tab != tab and "take" not in request.query:
            await _say_and_close(page, ELSEWHERE, {"elsewhere": True})
            return page
        if session.close_page is not None:
            session.close_page("")
        if told:
            await page.send_json({"told": told})
        await self._connect(page, session, tab)
        return page

    async def _connect(self, page: web.WebSocketResponse, session: Session, tab: str) -> None:
        def close_page(reason: str) -> None:
            code, told = (ENDED, "ended") if reason else (ELSEWHERE, "elsewhere")
            closing.append(asyncio.get_running_loop().create_task(_say_and_close(page, code, {told: reason or True})))

        closing: list[asyncio.Task[None]] = []
        viewer_left = True
        session.close_page, session.tab = close_page, tab
        session.pages += 1
        session.touch()
        try:
            async with (
                _client(session) as client,
                client.ws_connect("http://viewer/socket", max_msg_size=MOST_MESSAGE_BYTES) as viewer,
            ):
                there = asyncio.create_task(_pump(page, viewer, session))
                back = asyncio.create_task(_pump(viewer, page, session))
                done, pending = await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
                viewer_left = back in done
                for each in pending:
                    each.cancel()
        except (aiohttp.ClientError, OSError):
            pass  # the viewer ended: the page connects again and is told
        finally:
            if viewer_left:
                await session.end_is_noticed()
            session.leave()
            if session.close_page is close_page:
                session.close_page = None
            await asyncio.gather(*closing, return_exceptions=True)
            await page.close(code=WSCloseCode.GOING_AWAY)


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: Socket, target: Socket, session: Session) -> None:
    """Pass messages on until one of the two is closed."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for message in source:
            if message.type is WSMsgType.TEXT:
                if not message.data.startswith(SEEN):
                    session.touch()
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
            else:
                return


async def _say_and_close(page: web.WebSocketResponse, code: int, message: dict[str, object]) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await page.send_str(json.dumps(message))
        await page.close(code=code)


def _client(session: Session) -> aiohttp.ClientSession:
    """Return a client of a user's process; a download may take as long as the browser's network needs."""
    timeout = aiohttp.ClientTimeout(total=None)
    return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(session.socket)), timeout=timeout)


async def _ask(session: Session, path: str, query: dict[str, str]) -> None:
    async with _client(session) as client, client.post(f"http://viewer{path}", params=query) as answer:
        answer.raise_for_status()
