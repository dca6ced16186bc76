"""Sends pictures of the views to the page: only of those that changed, and no faster than the page draws them."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable

from PIL import Image

from LungUNetSegSlicer.web.viewer.views import NAMES, VOLUME, Colours, Views

JPEG_QUALITY = 88
MOST_ON_THE_WAY = 2
"""Pictures of a view that were sent and not yet drawn: one is drawn while the next is made."""


class Pictures:
    """Draws and sends.

    Args:
        views: The views.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._changed: set[str] = set()
        self._on_the_way: Counter[str] = Counter()
        self._wake = asyncio.Event()

    def mark(self, name: str) -> None:
        """Note that a view changed."""
        self._changed.add(name)
        self._wake.set()

    def seen(self, name: str) -> None:
        """Note that the page drew a picture."""
        self._on_the_way[name] = max(0, self._on_the_way[name] - 1)
        self._wake.set()

    def start_again(self) -> None:
        """Note that a new page is there, which has no picture yet."""
        self._on_the_way.clear()
        for name in NAMES:
            self.mark(name)

    async def send_to(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send pictures until this is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            name = self._next()
            if name is None:
                self._wake.clear()
                continue
            self._changed.discard(name)
            self._on_the_way[name] += 1
            picture = self._views.draw(name)
            jpeg = await loop.run_in_executor(None, _encode, picture)
            await send(bytes([NAMES.index(name)]) + jpeg)

    def _next(self) -> str | None:
        """Return a view whose picture is wanted; slices first, as the surfaces take longer."""
        wanted = [name for name in NAMES if name in self._changed and self._on_the_way[name] < MOST_ON_THE_WAY]
        if VOLUME in wanted and len(wanted) > 1:
            wanted.remove(VOLUME)
        # The one of which fewest are under way, so that dragging one does not starve the others.
        return min(wanted, key=lambda name: self._on_the_way[name], default=None)


def _encode(picture: Colours) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
