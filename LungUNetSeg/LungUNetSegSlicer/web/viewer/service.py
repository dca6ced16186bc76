"""Serves a page through the socket of its user's process: takes commands, sends state and pictures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from LungUNetSegSlicer.web.limits import Limits
from LungUNetSegSlicer.web.sessions import READY, SOCKET, UPLOADS
from LungUNetSegSlicer.web.viewer.opening import in_thread
from LungUNetSegSlicer.web.viewer.workspace import Workspace

CHUNK_BYTES = 1 << 18


async def serve(core: Any, folder: Path, settings: dict[str, Any]) -> None:
    """Serve through the socket in the folder, for as long as the process runs."""
    scans = Path(settings["scans"]) if settings["scans"] else None
    service = _Service(Workspace(core, folder, scans, Limits(**settings["limits"])), folder)
    app = web.Application()
    app.router.add_get("/socket", service.socket)
    app.router.add_post("/uploading", service.uploading)
    app.router.add_post("/uploaded", service.uploaded)
    app.router.add_get("/download/{name}", service.download)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(folder / SOCKET)).start()
    print(READY.decode(), end="", flush=True)
    await asyncio.Event().wait()


class _Service:
    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._workspace, self._folder = workspace, folder
        self._sending: list[asyncio.Task[None]] = []

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Serve a page until it is closed."""
        page = web.WebSocketResponse()
        await page.prepare(request)
        # An earlier page whose connection still closes would take this one's pictures.
        for each in self._sending:
            each.cancel()
        self._workspace.pictures.start_again()
        self._sending = sending = [
            asyncio.create_task(self._workspace.push_to(page.send_json)),
            asyncio.create_task(self._workspace.pictures.send_to(page.send_bytes)),
        ]
        try:
            async for message in page:
                if message.type is WSMsgType.TEXT:
                    self._do(message.data)
        finally:
            for each in sending:
                each.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
        return page

    def _do(self, text: str) -> None:
        try:
            command = json.loads(text)
        except ValueError:
            return
        if isinstance(command, dict):
            self._workspace.do(command)

    async def uploading(self, request: web.Request) -> web.Response:
        """Make room for an upload."""
        await self._workspace.make_room(int(request.query["size"]))
        return web.Response()

    async def uploaded(self, request: web.Request) -> web.Response:
        """Open what the server has put into the folder."""
        name = Path(request.query["folder"]).name
        folder = self._folder / UPLOADS / name
        if request.query.get("kind") == "reference":
            self._workspace.uploaded_reference(folder, request.query.get("scan", ""))
        else:
            self._workspace.uploaded(folder)
        return web.Response()

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Write a download, send it, and remove it."""
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="download", dir=self._folder))
                path = await self._workspace.download(request.match_info["name"], Path(folder))
            except Exception as error:
                return web.json_response({"error": self._workspace.explained(error)}, status=400)
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{path.name}"'}
            answer = web.StreamResponse(headers=headers)
            answer.content_length = path.stat().st_size
            await answer.prepare(request)
            with path.open("rb") as file:
                while chunk := await in_thread(partial(file.read, CHUNK_BYTES)):
                    await answer.write(chunk)
            return answer
