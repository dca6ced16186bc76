"""Holds a user's work (open scans, views, runs, a comparison), and does what the page asks for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import ReadError
from LungUNetSegSlicer.run.asyncio_loop import AsyncioLoop
from LungUNetSegSlicer.scene.volume_bridge import point_to_ras
from LungUNetSegSlicer.web.limits import Limits
from LungUNetSegSlicer.web.segmentation_queue import QUEUE_SOCKET
from LungUNetSegSlicer.web.viewer import downloads
from LungUNetSegSlicer.web.viewer.comparing import Comparing
from LungUNetSegSlicer.web.viewer.density import DensityMaps
from LungUNetSegSlicer.web.viewer.display import Display
from LungUNetSegSlicer.web.viewer.incoming import Incoming
from LungUNetSegSlicer.web.viewer.opening import in_thread, told
from LungUNetSegSlicer.web.viewer.page_tasks import PageTasks
from LungUNetSegSlicer.web.viewer.pictures import Pictures
from LungUNetSegSlicer.web.viewer.runs import Runs
from LungUNetSegSlicer.web.viewer.scans import OpenScan
from LungUNetSegSlicer.web.viewer.texts import comparison_of, doubtful_places, result_of, scan_row
from LungUNetSegSlicer.web.viewer.views import NAMES, SLICES, Views, slice_name, view_name

PUSH_EVERY_S = 0.05
OWN_REFERENCE = "the scan's own reference"

logger = logging.getLogger(__name__)

Command = dict[str, Any]


class Workspace:
    """A user's work.

    Args:
        core: What `server.start` returned.
        folder: The session's.
        scans: The server's folder of scans, if it offers one.
        limits: What the user may take.
    """

    def __init__(self, core: Any, folder: Path, scans: Path | None, limits: Limits) -> None:
        self._folder, self._server_scans = folder, scans
        self.views = Views(core, self._view_changed)
        self.pictures = Pictures(self.views)
        self._display = Display(self.views)
        self._page_tasks = PageTasks(self.changed, self.explained)
        self._open: list[OpenScan] = []
        self._incoming = Incoming(folder, scans, limits, self._page_tasks, self._open, self._opened)
        loop = AsyncioLoop(folder)
        self._runs = Runs(loop, folder / QUEUE_SOCKET, self.changed, self._segmented, self.explained)
        self._comparing = Comparing(loop, self.changed, self._page_tasks.fail)
        self._maps = DensityMaps(loop, self._display, self._page_tasks)
        self._current: OpenScan | None = None
        self._doubtful: dict[int, list[dict[str, Any]]] = {}
        self._shows_patient = False
        self._news = asyncio.Event()

    # What the page is told.

    def changed(self) -> None:
        """Note that the page has to be told something."""
        self._news.set()

    async def push_to(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Tell the page what changes, until this is cancelled."""
        self.changed()
        while True:
            await self._news.wait()
            self._news.clear()
            await send({"state": self.state()})
            await asyncio.sleep(PUSH_EVERY_S)

    def state(self) -> dict[str, Any]:
        """Return everything that the page shows besides the pictures."""
        current = self._current
        return {
            **self._incoming.state(),
            "busy": self._page_tasks.busy | self._comparing.busy | self._maps.busy,
            "errors": self._page_tasks.errors,
            "scans": [scan_row(each) for each in self._open],
            "current": current.number if current else None,
            "facts": current.facts if current else [],
            "patient": current.patient if current and self._shows_patient else None,
            "has_patient": bool(current and current.patient),
            "has_reference": bool(current and current.reference),
            "scan_warnings": [each.message for each in current.scan.findings] if current else [],
            "slices": {name: vars(self.views.place(name)) for name in SLICES},
            "display": self._display.state(),
            "result": result_of(current, self._doubtful.get(current.number, [])) if current else None,
            "comparison": comparison_of(current) if current else None,
        }

    def _view_changed(self, name: str) -> None:
        self.pictures.mark(name)
        if name in SLICES:
            self.changed()

    # What the page asks for.

    def do(self, command: Command) -> None:
        """Do what a page asks for; a malformed command is ignored, as our own page sends none."""
        action = getattr(self, f"_do_{command.get('do')}", lambda _: None)
        try:
            action(command)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            logger.warning("A command of the page cannot be understood: %s", type(error).__name__)

    def _do_seen(self, command: Command) -> None:
        self.pictures.seen(NAMES[int(command["view"])])

    def _do_sample(self, _: Command) -> None:
        self._incoming.open_sample()

    def _do_phantom(self, _: Command) -> None:
        self._incoming.open_phantom()

    def _do_server_folder(self, _: Command) -> None:
        self._incoming.list_server_scans()

    def _do_open(self, command: Command) -> None:
        self._incoming.open_listed(int(command["index"]))

    def _do_show(self, command: Command) -> None:
        self._show(self._scan(command))

    def _do_close(self, command: Command) -> None:
        scan = self._scan(command)
        self._runs.cancel(scan)
        self._comparing.forget(scan)
        self._open.remove(scan)
        if scan is self._current:
            self._show(self._open[-1] if self._open else None)
        scan.close()
        self.changed()

    def _do_segment(self, command: Command) -> None:
        for scan in self._open if command.get("all") else [self._scan(command)]:
            if not (command.get("all") and scan.result):
                self._runs.add(scan)

    def _do_cancel(self, command: Command) -> None:
        self._runs.cancel(self._scan(command))

    def _do_patient(self, command: Command) -> None:
        self._shows_patient = bool(command["shown"])
        self.changed()

    def _do_compare(self, _: Command) -> None:
        if self._current is not None and self._current.reference is not None:
            self._compare(self._current, self._current.reference, OWN_REFERENCE)

    def _do_display(self, command: Command) -> None:
        self._display.change(self._current, command["key"], command["value"])
        self.changed()

    def _do_density(self, command: Command) -> None:
        self._maps.show(self._current, bool(command["shown"]))

    def _do_size(self, command: Command) -> None:
        self.views.resize(view_name(command["view"]), int(command["width"]), int(command["height"]))
        self.changed()

    def _do_slice(self, command: Command) -> None:
        self.views.go(slice_name(command["view"]), int(command["index"]))

    def _do_scroll(self, command: Command) -> None:
        name = slice_name(command["view"])
        self.views.go(name, self.views.place(name).index + int(command["by"]))

    def _do_drag(self, command: Command) -> None:
        self.views.drag(view_name(command["view"]), str(command["tool"]), float(command["dx"]), float(command["dy"]))
        self.changed()

    def _do_point(self, command: Command) -> None:
        self.views.point(slice_name(command["view"]), float(command["x"]), float(command["y"]))

    def _do_jump(self, command: Command) -> None:
        right, front, up = (float(each) for each in command["ras"])
        self.views.jump((right, front, up))

    def _do_compared_slice(self, command: Command) -> None:
        if self._current is not None and self._current.comparison is not None:
            middle_lps = self._current.comparison.comparison.slice_centre_lps(int(command["index"]))
            self.views.jump(point_to_ras(middle_lps))

    def _do_fit(self, _: Command) -> None:
        self.views.fit()

    def _scan(self, command: Command) -> OpenScan:
        """Return an open scan; raise KeyError if it has been closed, as by the first of two clicks."""
        return {each.number: each for each in self._open}[int(command["number"])]

    # What takes a while.

    async def make_room(self, size: int) -> None:
        """Remove uploads that are needed no more, before one of so many bytes arrives."""
        if self._page_tasks.busy or self._comparing.busy:
            return
        if not await self._incoming.make_room(size):
            self.changed()

    def uploaded(self, folder: Path) -> None:
        """Open scans that were uploaded."""
        self._incoming.list_uploaded(folder)

    def uploaded_reference(self, folder: Path, number: str) -> None:
        """Compare a scan's lungs with a reference that was uploaded for it; another one may be shown by now."""
        scan = next((each for each in self._open if str(each.number) == number), None)
        self._page_tasks.begin("compare", "Reading the reference", self._compare_with_uploaded(scan, folder))

    def _opened(self, scan: OpenScan) -> None:
        self._open.append(scan)
        self._show(scan)

    def _show(self, scan: OpenScan | None) -> None:
        self._current, self._shows_patient = scan, False
        self._maps.stop()
        self._page_tasks.clear("compare")
        self._display.show(scan, self._open)
        self.changed()

    def _segmented(self, scan: OpenScan) -> None:
        self._comparing.forget(scan)
        self._maps.forget(scan)
        self._doubtful[scan.number] = doubtful_places(scan.labels(), scan.result or {})
        self._display.show_new_lungs(scan)

    async def _compare_with_uploaded(self, scan: OpenScan | None, folder: Path) -> None:
        await self._incoming.unpack(folder)
        files = [each for each in folder.rglob("*") if each.is_file()]
        if len(files) != 1:
            raise ReadError(f"{len(files)} files arrived; a reference is one file: a mask, a DICOM SEG or an RTSTRUCT.")
        self._compare(scan, files[0], files[0].name)

    def _compare(self, scan: OpenScan | None, path: Path, name: str) -> None:
        if scan is None or scan not in self._open or scan.result is None:
            self._page_tasks.fail("compare", ReadError("Segment the lungs first; then they can be compared."))
            return
        self._page_tasks.clear("compare")
        if scan is self._current:
            self._display.show_lungs()
        self._comparing.start(scan, path, name)

    async def download(self, wanted: str, folder: Path) -> Path:
        """Write a download into a folder; return its file.

        Raises:
            LungUNetSegError: There is no result, or the format cannot hold it.
            OSError: The disk is full.
        """
        scan = self._current
        if scan is None or scan.result is None:
            raise ReadError("There is no result to download. Segment the lungs first.")
        if wanted == "comparison.html" and scan.comparison is not None:
            path = folder / f"{downloads.plain_stem(scan.name)}-comparison.html"
            await in_thread(partial(scan.comparison.write_report, path, scan.result["model"]["name"]))
            return path
        what = folder, scan.name, scan.scan, scan.labels(), scan.segments, scan.result
        return await in_thread(partial(downloads.write, wanted, *what))

    def explained(self, error: Exception) -> str:
        """Return what a user is told of an error."""
        return told(error, self._folder, self._server_scans)

    def close(self) -> None:
        """End what runs."""
        self._runs.close()
