"""Brings scans in: from uploads, from the server's folder or from the program; lists them, and opens them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from LungUNetSegSlicer.web.limits import Limits
from LungUNetSegSlicer.web.sessions import UPLOADS
from LungUNetSegSlicer.web.viewer import opening
from LungUNetSegSlicer.web.viewer.offers import MOST_OFFERS, Offer, offers_in
from LungUNetSegSlicer.web.viewer.opening import in_thread
from LungUNetSegSlicer.web.viewer.page_tasks import PageTasks
from LungUNetSegSlicer.web.viewer.scans import OpenScan
from LungUNetSegSlicer.web.viewer.texts import offer_row
from LungUNetSegSlicer.web.viewer.uploaded import Uploads


class Incoming:
    """What a user may open.

    Args:
        folder: The session's.
        server_scans: The server's folder of scans, if it offers one.
        limits: What the user may take.
        page_tasks: Runs what takes a while.
        open_scans: The list of the scans that are open, which is only read.
        on_open: Called with a scan that has come into the scene.
    """

    def __init__(
        self,
        folder: Path,
        server_scans: Path | None,
        limits: Limits,
        page_tasks: PageTasks,
        open_scans: Sequence[OpenScan],
        on_open: Callable[[OpenScan], None],
    ) -> None:
        self._folder, self._server_scans, self._limits = folder, server_scans, limits
        self._page_tasks, self._open, self._on_open = page_tasks, open_scans, on_open
        self._database = opening.start_database()
        self._uploads = Uploads(folder / UPLOADS, limits.upload_bytes)
        self._offers: list[Offer] = []
        self._count = 0

    def state(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        return {
            "server_folder": self._server_scans.name if self._server_scans else None,
            "upload_gb": self._limits.upload_gb,
            "offers": [offer_row(each) for each in self._offers[:MOST_OFFERS]],
            "more_offers": max(0, len(self._offers) - MOST_OFFERS),
        }

    def open_sample(self) -> None:
        """Open the sample scan."""
        self._page_tasks.begin("open", "Fetching the sample scan", self._open_known(opening.sample_offer()))

    def open_phantom(self) -> None:
        """Open the synthetic thorax."""
        self._page_tasks.begin("open", "Making the phantom", self._open_known(opening.phantom_offer(self._folder)))

    def list_server_scans(self) -> None:
        """List the scans in the server's folder."""
        if self._server_scans is not None:
            self._page_tasks.begin("open", "Looking for scans", self._list(self._server_scans))

    def list_uploaded(self, folder: Path) -> None:
        """List the scans of an upload; a single one is opened."""
        self._page_tasks.begin("open", "Looking for scans", self._list_uploaded(folder))

    def open_listed(self, index: int) -> None:
        """Open a scan of the list."""
        offer = self._offers[index]
        self._page_tasks.begin("open", f"Reading {offer.title}", self._read(offer, None))

    async def unpack(self, folder: Path) -> None:
        """Unpack the zip archives of an upload, beside them.

        Raises:
            ReadError: One is damaged, encrypted, unsafe or too large.
        """
        await in_thread(partial(self._uploads.unpack, folder))

    async def make_room(self, size: int) -> bool:
        """Remove uploads that are needed no more, before one of so many bytes arrives.

        Returns:
            Whether the list is as it was; if not, it is empty now.
        """
        used = [each.path for scan in self._open for each in scan.scan.slices]
        listed = [file for each in self._offers if len(self._offers) > 1 for file in each.files]
        if await in_thread(partial(self._uploads.make_room, size, used, listed)):
            return True
        self._offers = []
        return False

    async def _list_uploaded(self, folder: Path) -> None:
        await self.unpack(folder)
        await self._list(folder)

    async def _list(self, source: Path) -> None:
        self._offers = await in_thread(partial(offers_in, source))
        if len(self._offers) == 1:
            await self._read(self._offers[0], None)

    async def _open_known(self, known: Awaitable[tuple[Offer, Path]]) -> None:
        await self._read(*await known)

    async def _read(self, offer: Offer, reference: Path | None) -> None:
        opening.refuse_if_full(len(self._open), self._limits.scans)
        scan = await opening.read(offer, self._count, reference, self._database)
        self._count += 1
        self._on_open(scan)
