"""A server that only pretends: it serves the page, keeps what the page asks for, and says what a test wants said."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import Any

from aiohttp import WSMsgType, web
from children import MODULE_FOLDER

PAGE = MODULE_FOLDER / "LungUNetSegSlicer" / "web" / "page"
SLICE = {"index": 20, "count": 40, "position_mm": 0.0}


def open_scan(number: int) -> dict[str, Any]:
    """Return an open scan as the page is told of it."""
    return {"number": number, "name": f"Scan {number}", "status": "done", "message": "", "stage": "", "share": None}


def state_with_lungs() -> dict[str, Any]:
    """Return the state of a session with two scans, of which the first has lungs and is shown."""
    segments = [
        {"id": "RightLung", "name": "Right lung", "colour": "#329fc9"},
        {"id": "LeftLung", "name": "Left lung", "colour": "#f19632"},
    ]
    display = {
        "window": "lung", "window_text": "", "opacity": 0.35, "fill": True, "outline": True, "hidden": [],
        "shown": "lungs", "crosshair": False, "density": False, "legend": None,
    }  # fmt: skip
    result = {
        "rows": [], "warnings": [], "time": "", "methods": "", "doubtful": [], "downloads": [], "segments": segments,
    }  # fmt: skip
    return {
        "server_folder": None, "upload_gb": 4, "busy": {}, "errors": {}, "offers": [], "more_offers": 0,
        "scans": [open_scan(0), open_scan(1)], "current": 0, "facts": [], "patient": None, "has_patient": False,
        "has_reference": False, "scan_warnings": [],
        "slices": {name: dict(SLICE) for name in ("axial", "coronal", "sagittal")},
        "display": display, "result": result, "comparison": None,
    }  # fmt: skip


class PretendedServer:
    """Serves one page at a time, in a thread of its own.

    Attributes:
        state: What it says when a page connects; None to say nothing yet.
        commands: What the page asked for, without what it says of pictures.
        uploads: Query and names of files of each upload.
        seen: Pictures that the page has drawn or left.
    """

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = state_with_lungs()
        self.commands: list[dict[str, Any]] = []
        self.uploads: list[tuple[dict[str, str], list[str | None]]] = []
        self.seen = 0
        self.port = 0
        self._page: web.WebSocketResponse | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._runner = self._do(self._start())

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def say(self, state: dict[str, Any]) -> None:
        """Tell the page a state."""
        self._do(self._connected().send_json({"state": state}))

    def show(self, view: int, colour: str) -> None:
        """Send the page a picture of one colour."""
        from PIL import Image

        file = io.BytesIO()
        Image.new("RGB", (8, 8), colour).save(file, "JPEG")
        self._do(self._connected().send_bytes(bytes([view]) + file.getvalue()))

    def send_elsewhere(self) -> None:
        """Close the page's connection, as another tab has the session."""
        self._do(self._connected().send_json({"elsewhere": True}))
        self._do(self._connected().close(code=4001))

    def close(self) -> None:
        """End it."""
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _connected(self) -> web.WebSocketResponse:
        assert self._page is not None, "no page is connected"
        return self._page

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/upload", self._upload)
        app.router.add_static("/page", PAGE)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        return runner

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self._page = page = web.WebSocketResponse()
        await page.prepare(request)
        if self.state is not None:
            await page.send_json({"state": self.state})
        async for message in page:
            if message.type is WSMsgType.TEXT:
                command = message.json()
                if command["do"] == "seen":
                    self.seen += 1
                elif command["do"] != "size":
                    self.commands.append(command)
        return page

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        reader, names = await request.multipart(), []
        while (part := await reader.next()) is not None:
            names.append(part.filename)  # type: ignore[union-attr]
        self.uploads.append((dict(request.query), names))
        return web.json_response({})
