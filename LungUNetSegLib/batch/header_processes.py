"""Reads headers in processes of their own, because parsing them holds Python's lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from LungUNetSegLib.batch.children import child_environment
from LungUNetSegLib.batch.header_texts import Details, read_texts

Texts = tuple[list[tuple[str, str]], Details]
"""What was read of some files: study and text of each, and details of the series that were met."""


@contextmanager
def header_processes(count: int) -> Iterator[Callable[[Sequence[Path]], Texts]]:
    """Yield `read_texts`, done by whichever of some processes is free; as many threads may call it at once.

    Args:
        count: How many processes; with one, this process reads.
    """
    if count == 1:
        yield read_texts
        return
    processes = [_HeaderProcess() for _ in range(count)]
    free: SimpleQueue[_HeaderProcess] = SimpleQueue()
    for each in processes:
        free.put(each)

    def read(paths: Sequence[Path]) -> Texts:
        process = free.get()
        try:
            return process.read(paths)
        finally:
            free.put(process)

    try:
        yield read
    finally:
        for each in processes:
            each.close()


class _HeaderProcess:
    """A process that reads the files of one list after another; it starts with the first, as imports take time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, paths: Sequence[Path]) -> Texts:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "LungUNetSegLib.batch.header_texts"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="ascii",
                env=child_environment(),
                start_new_session=True,  # Ctrl-C is for the command, which then closes it
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        answer = ""
        with suppress(OSError):
            self._process.stdin.write(json.dumps([os.fspath(path) for path in paths]) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer.endswith("\n"):  # killed, or a codec's crash: what is to blame is told of each file
            self.close()
            return read_texts(paths)
        texts, details = json.loads(answer)
        return [(study, text) for study, text in texts], details

    def close(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()  # at which it ends
        self._process.wait()
        self._process.stdout.close()
        self._process = None
