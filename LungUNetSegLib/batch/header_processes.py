"""Reads headers in processes of their own, because parsing them holds Python's lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock

from LungUNetSegLib.batch.children import PATIENCE_S, child_environment
from LungUNetSegLib.batch.header_texts import Details, read_texts

Texts = tuple[list[tuple[str, str]], Details]
"""What was read of some files: study and text of each, and details of the series that were met."""


def read_in_parts(parts: Sequence[Sequence[Path]], count: int) -> Generator[Texts, None, None]:
    """Yield what `read_texts` gives of each part, in their order; closing the iterator ends all reading at once.

    Args:
        parts: Files.
        count: How many processes read; with one, this process does.
    """
    if count == 1:
        yield from map(read_texts, parts)
        return
    stopped = Event()
    processes = [_HeaderProcess(stopped) for _ in range(count)]
    free: SimpleQueue[_HeaderProcess] = SimpleQueue()
    for each in processes:
        free.put(each)

    def read(paths: Sequence[Path]) -> Texts:
        process = free.get()
        try:
            return process.read(paths)
        finally:
            free.put(process)

    def stop() -> None:
        stopped.set()
        for each in processes:
            each.kill()

    with ExitStack() as stack:
        for each in processes:
            stack.callback(each.close)
        pool = stack.enter_context(ThreadPoolExecutor(count))
        stack.callback(stop)  # first: the pool waits for what it has begun
        for future in [pool.submit(read, part) for part in parts]:
            while not future.done():
                wait([future], PATIENCE_S)
            yield future.result()


class _HeaderProcess:
    """A process that reads the files of one list after another; it starts with the first, as imports take time.

    Args:
        stopped: Set when nobody needs the headers any longer: what is read then is not complete.
    """

    def __init__(self, stopped: Event) -> None:
        self._stopped = stopped
        self._starting = Lock()
        self._process: subprocess.Popen[str] | None = None

    def read(self, paths: Sequence[Path]) -> Texts:
        with self._starting:
            if self._process is None and not self._stopped.is_set():
                self._process = self._start()
        answer = ""
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            with suppress(OSError):
                self._process.stdin.write(json.dumps([os.fspath(path) for path in paths]) + "\n")
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
        if not answer.endswith("\n"):  # killed, or a codec's crash: what is to blame is told of each file
            self.close()
            return read_texts(paths, self._stopped)
        texts, details = json.loads(answer)
        return [(study, text) for study, text in texts], details

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "LungUNetSegLib.batch.header_texts"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
            env=child_environment(),
            start_new_session=True,  # Ctrl-C is for the command, which then ends it
        )

    def kill(self) -> None:
        """End the process now; `read` returns, in whichever thread it is."""
        with self._starting:
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Let go of a process that was killed, or has died."""
        if self._process is None:
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        with suppress(OSError):  # what it did not take any more
            self._process.stdin.close()
        self._process.stdout.close()
        with self._starting:
            self._process = None
