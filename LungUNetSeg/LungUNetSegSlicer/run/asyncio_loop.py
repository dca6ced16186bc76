"""Implements a server's event loop with asyncio's, and the child process that it waits for."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd, ChildProcess, failed, failed_to_start, report_progress
from LungUNetSegSlicer.run.command import SEGMENT, command, environment
from LungUNetSegSlicer.run.process_tree import end_process_tree


class AsyncioLoop:
    """See `EventLoop`; made while the loop runs.

    Args:
        folder: For temporary files.
    """

    def __init__(self, folder: Path) -> None:
        self._loop, self._folder = asyncio.get_running_loop(), folder

    def repeat(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call a function again and again, with the loop's other work in between."""
        is_wanted = True

        def step() -> None:
            if is_wanted:
                call()
                self._loop.call_soon(step)

        def end() -> None:
            nonlocal is_wanted
            is_wanted = False

        self._loop.call_soon(step)
        return end

    def later(self, pause_ms: int, call: Callable[[], None]) -> None:
        """Call a function once, after a pause."""
        self._loop.call_later(pause_ms / 1000, call)

    def temporary_folder(self) -> Path:
        """Return the folder that this was made with."""
        return self._folder

    def make_child(self, on_progress: Progress, on_end: Callable[[ChildEnd], None]) -> ChildProcess:
        """Make a Python process."""
        return AsyncioWorker(on_progress, on_end)


class AsyncioWorker:
    """A Python process that segments one scan; in Slicer, `Worker` takes its place.

    Args:
        on_progress: Called for each line of progress.
        on_end: Called once, when the process has ended for any reason.
    """

    def __init__(self, on_progress: Progress, on_end: Callable[[ChildEnd], None]) -> None:
        self._on_progress, self._on_end = on_progress, on_end
        self._process: asyncio.subprocess.Process | None = None
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    def start(self, arguments: Sequence[str], folder: Path) -> None:
        """Start the child with `folder` as its first argument."""
        self._task = asyncio.get_running_loop().create_task(self._run(command(SEGMENT, folder, arguments), folder))

    def cancel(self) -> None:
        """Kill the child and its children; `on_end` is called before this returns."""
        if self._is_over:
            return
        if self._process is not None and self._process.returncode is None:
            end_process_tree(self._process.pid)
        self._end(ChildEnd("cancelled"))

    async def _run(self, words: Sequence[str], folder: Path) -> None:
        variables = os.environ | environment(os.environ.get("PYTHONPATH", ""))
        pipe = subprocess.PIPE  # the child ends when its stdin closes, which is with this process
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env=variables
            )
        except OSError as error:
            self._end(failed_to_start(str(error)))
            return
        self._process = process
        if self._is_over:  # cancelled while it started
            end_process_tree(process.pid)
        assert process.stdout and process.stderr, "they are pipes"
        _, stderr = await _both(self._read_progress(process.stdout), process.stderr.read())
        await process.wait()
        self._end(ChildEnd("done") if process.returncode == 0 else failed(stderr))

    async def _read_progress(self, stdout: asyncio.StreamReader) -> None:
        unread = b""
        while data := await stdout.read(1 << 16):
            *lines, unread = (unread + data).split(b"\n")
            if not self._is_over:
                report_progress(lines, self._on_progress)

    def _end(self, end: ChildEnd) -> None:
        if not self._is_over:
            self._is_over = True
            self._on_end(end)


async def _both(first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> tuple[Any, Any]:
    one, other = await asyncio.gather(first, second)
    return one, other
