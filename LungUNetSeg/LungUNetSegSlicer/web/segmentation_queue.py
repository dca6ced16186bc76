"""Limits how many segmentations run at a time: a queue in which the users' processes wait.

A connection to the queue's socket is a place in it. The queue says how many are before that place, whenever somebody
comes or goes; 0 is the turn. Closing the connection, which the system does for a process that is killed, gives it up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

QUEUE_SOCKET = "queue.socket"
"""The queue's socket in a session's folder."""


class SegmentationQueue:
    """The queue, in the server.

    Args:
        most: Segmentations at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: list[tuple[object, asyncio.StreamWriter]] = []

    async def serve(self, user: object, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep a place for a user until the connection is closed."""
        place = user, writer
        self._places.append(place)
        self._tell()
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):  # the latter when the server ends
                await reader.read()
        finally:
            self._places.remove(place)
            writer.close()
            self._tell()

    def is_waiting(self, user: object) -> bool:
        """Whether a user stands in the queue, and others are before them."""
        return any(each is user for each, _ in self._places[self._most :])

    def _tell(self) -> None:
        for before, (_, writer) in enumerate(self._places):
            writer.write(b"%d\n" % (before if before >= self._most else 0))


@contextlib.asynccontextmanager
async def turn(socket: Path, told: Callable[[int], None]) -> AsyncIterator[None]:
    """Wait for a turn, and keep it for as long as the context lasts; called in a user's process.

    Args:
        socket: The queue's.
        told: Called with the number of segmentations before this one, while there are any.

    Raises:
        OSError: The server has gone.
    """
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        while (line := await reader.readline()) != b"0\n":
            if not line:
                raise ConnectionResetError("the server has closed its queue")
            told(int(line))
        yield
    finally:
        writer.close()
