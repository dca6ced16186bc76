"""Keeps one process for each user: starts it, watches its memory and idleness, and ends it with all of its files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.run.command import command, environment
from LungUNetSegSlicer.run.guard import FOLDER_PREFIX
from LungUNetSegSlicer.run.process_tree import descendants, end_process_tree
from LungUNetSegSlicer.web.limits import GB, Limits
from LungUNetSegSlicer.web.segmentation_queue import QUEUE_SOCKET, SegmentationQueue

VIEWER = "LungUNetSegSlicer.web.viewer.main"
SOCKET, UPLOADS = "viewer.socket", "uploads"
READY = b"ready\n"
START_S = 120.0
NOTICED_S = 2.0
LOOK_EVERY_S = 2.0
REMOVAL_PAUSES_S = (0.1, 0.5, 2.0)

logger = logging.getLogger(__name__)


class SessionError(LungUNetSegError):
    """A session that cannot begin: no place left, or a process that does not start."""


class Session:
    """One user's process and folder.

    Args:
        process: Runs the viewer.
        folder: Private; all files of the user are in it.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process, self.folder = process, folder
        self.pages = 0
        self.tab = ""
        self.close_page: Callable[[str], None] | None = None
        self._used = self._left = time.monotonic()
        self.uploads = 0
        self.queue: asyncio.Server | None = None

    @property
    def socket(self) -> Path:
        """The viewer's socket, which only this user of the machine can open."""
        return self.folder / SOCKET

    @property
    def runs(self) -> bool:
        """Whether its process has not ended."""
        return self.process.returncode is None

    async def end_is_noticed(self) -> None:
        """Wait until `runs` says that its process has ended, which is known a moment after its socket has broken.

        A page that connects again before would be given the dead process. One that has not ended is waited for shortly.
        """
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.process.wait(), NOTICED_S)

    def touch(self) -> None:
        """Note that it is used."""
        self._used = time.monotonic()

    def leave(self) -> None:
        """Note that a page was closed."""
        self.pages -= 1
        self._left = time.monotonic()

    def begin(self) -> None:
        """Note that its user is there; until now it waited for one."""
        self._used = self._left = time.monotonic()

    def verdict(self, limits: Limits) -> str:
        """Return why the session has to end, as a sentence for its page; empty if it may go on."""
        now = time.monotonic()
        if not self.pages and not self.uploads and now - self._left > limits.grace_s:
            return "The page was closed."
        if not self.uploads and now - self._used > 60 * limits.idle_minutes:
            return f"Nothing was done for {limits.idle_minutes:g} minutes, so this session ended. Its files are gone."
        if self.memory_bytes() > limits.memory_gb * GB:
            return (
                f"This session needed more than {limits.memory_gb:g} GB of memory, so it was ended. Open fewer or "
                "smaller scans."
            )
        return ""

    def memory_bytes(self) -> int:
        """Return the memory of its processes; 0 where the system does not tell it.

        Programs' code and other files in memory, which all sessions share, are not counted.
        """
        page = os.sysconf("SC_PAGE_SIZE")
        total = 0
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(OSError, ValueError):
                _, resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[:3])
                total += (resident - shared) * page
        return total


class Sessions:
    """All sessions of a server, by their users' cookies.

    Args:
        limits: For each of them.
        scans: The server's folder of scans, if it offers one.
    """

    def __init__(self, limits: Limits, scans: Path | None) -> None:
        self.limits, self._scans = limits, scans
        self._sessions: dict[str, asyncio.Task[Session]] = {}
        self._queue = SegmentationQueue(limits.segmentations)
        loop = asyncio.get_running_loop()
        # Starting a process takes seconds, so the next user's is started ahead.
        self._spare: asyncio.Task[Session] = loop.create_task(self._start())
        self._watch = loop.create_task(self._look_after())

    def running(self, cookie: str) -> Session | None:
        """Return a user's session if it is there and runs."""
        task = self._sessions.get(cookie)
        if task is None or not task.done() or task.cancelled() or task.exception():
            return None
        return task.result() if task.result().runs else None

    async def present(self, cookie: str) -> Session | None:
        """Return a user's session, waiting for one that is just starting; None without one."""
        task = self._sessions.get(cookie)
        if task is not None and not task.done():
            await asyncio.wait([task])
        return self.running(cookie)

    async def open(self, cookie: str) -> tuple[Session, str]:
        """Return a user's session, made if there is none, and a sentence about an earlier one that crashed.

        Raises:
            SessionError: There is no place left, or the process does not start.
        """
        told, is_new, crashed = "", False, None
        task = self._sessions.get(cookie)
        if task is not None and task.done() and self.running(cookie) is None:
            if not task.cancelled() and not task.exception():
                told = "The viewer ended unexpectedly, perhaps for want of memory. Open the scan again."
                crashed = task.result()
            task = None
        if task is None:
            others = sum(1 for each in self._sessions if each != cookie)
            if others >= self.limits.sessions:
                raise SessionError(
                    f"All {self.limits.sessions} places on this server are taken. Try again when somebody has closed "
                    "the page."
                )
            task = self._sessions[cookie] = self._take_spare()
            is_new = True
        if crashed is not None:  # only now: whoever else comes with this cookie meanwhile gets the same new one
            await self._remove(crashed)
        try:
            session = await asyncio.shield(task)
        except (OSError, SessionError) as error:
            self._sessions.pop(cookie, None)
            raise SessionError(f"The viewer could not be started: {error}") from error
        if is_new:
            session.begin()
        return session, told

    async def close(self) -> None:
        """End all sessions."""
        self._watch.cancel()
        for cookie in list(self._sessions):
            await self._end(cookie, "The server was stopped. Its administrator can start it again.")
        await self._drop(self._spare)

    def _take_spare(self) -> asyncio.Task[Session]:
        """Return the session that was started ahead, and start the next."""
        if self._spare.done() and (self._spare.cancelled() or self._spare.exception()):
            self._spare = asyncio.get_running_loop().create_task(self._start())  # it may succeed by now
        taken, self._spare = self._spare, asyncio.get_running_loop().create_task(self._start())
        return taken

    async def _start(self) -> Session:
        folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        session = None
        try:
            session = Session(await self._start_viewer(folder), folder)
            assert session.process.stdout is not None, "it is a pipe"
            session.queue = await asyncio.start_unix_server(partial(self._queue.serve, session), folder / QUEUE_SOCKET)
            if await asyncio.wait_for(session.process.stdout.readline(), START_S) != READY:
                raise SessionError("its process ended at once; the server's log tells why.")
        except BaseException as error:
            await (self._remove(session) if session is not None else _remove_folder(folder))
            if isinstance(error, asyncio.TimeoutError):
                raise SessionError(
                    f"its process was not ready after {START_S:g} s. Try again when the server is less busy."
                ) from None
            raise
        session.begin()
        return session

    async def _start_viewer(self, folder: Path) -> asyncio.subprocess.Process:
        """Start a user's process; it says `READY` when it is."""
        settings = {"scans": str(self._scans) if self._scans else None, "limits": asdict(self.limits)}
        words = command(VIEWER, folder, [json.dumps(settings)])
        # What others' code leaves among the temporary files goes with the folder.
        variables = os.environ | environment(os.environ.get("PYTHONPATH", "")) | {"TMPDIR": str(folder)}
        (folder / UPLOADS).mkdir()
        # The viewer ends when its stdin closes, which is with this process.
        return await asyncio.create_subprocess_exec(
            *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, env=variables
        )

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(min(LOOK_EVERY_S, self.limits.grace_s))
            for cookie, task in list(self._sessions.items()):
                if not task.done() or self._sessions.get(cookie) is not task:
                    continue
                if task.cancelled() or task.exception():  # and the page that waited for it was closed
                    del self._sessions[cookie]
                    continue
                session = task.result()
                if self._queue.is_waiting(session):
                    session.touch()
                if reason := session.verdict(self.limits):  # also where its process has crashed, and no page is left
                    await self._end(cookie, reason)

    async def _end(self, cookie: str, reason: str) -> None:
        await self._drop(self._sessions.pop(cookie), reason)

    async def _drop(self, task: asyncio.Task[Session], reason: str = "") -> None:
        """End a session, also one that is just starting."""
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError, SessionError):
            session = await task
            if session.close_page is not None:
                session.close_page(reason)
            await self._remove(session)

    async def _remove(self, session: Session) -> None:
        """End its processes and remove its files."""
        if session.queue is not None:
            session.queue.close()
        if session.runs:
            end_process_tree(session.process.pid)
        await _remove_folder(session.folder)


async def _remove_folder(folder: Path) -> None:
    """Remove a session's folder; again after pauses while it is there, as a process that just ends may still write."""
    for pause_s in (*REMOVAL_PAUSES_S, None):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        if pause_s is not None:
            await asyncio.sleep(pause_s)
    logger.warning("%s cannot be removed. There may be a patient's scan in it.", folder)
