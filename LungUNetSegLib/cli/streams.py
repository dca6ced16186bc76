"""The command's streams and signals: what it may print where, and what a request to end does."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from types import FrameType
from typing import Any, TextIO

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that command a terminal, all but tab and line feed, and those that turn the direction of writing."""


class Terminated(KeyboardInterrupt):
    """The system or a user asked this process to end, by SIGTERM or by closing its terminal.

    Args:
        number: The signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it removes what it has half written.

    Nothing changes where they are handled or ignored already, as under `nohup`, and in other threads than the main one.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not stop the tidying up; SIGKILL still ends it
        raise Terminated(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = [
        number for number in (getattr(signal, name) for name in names) if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


class PlainText:
    """A text stream on which nothing but text gets through.

    The names of files and the texts of DICOM headers come from anyone, and an escape sequence in them would command the
    terminal: it is spelled out instead.

    Args:
        stream: Where the text goes.
        allowed: Control characters that are needed all the same.
        must_arrive: Whether a failure to write is an error.
    """

    def __init__(self, stream: TextIO, allowed: str = "", must_arrive: bool = True) -> None:
        self._stream, self._allowed, self._must_arrive = stream, allowed, must_arrive

    def write(self, text: str) -> int:
        """Write a text, its control characters spelled out as in Python."""
        self._try(self._stream.write, _CONTROLS.sub(self._spelled, text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _spelled(self, found: re.Match[str]) -> str:
        character = found[0]
        return character if character in self._allowed else character.encode("unicode_escape").decode()

    def _try(self, action: Callable[..., Any], *arguments: str) -> None:
        try:
            action(*arguments)
        except OSError:
            if self._must_arrive:
                raise
            with suppress(OSError):  # or Python would fail with it at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextmanager
def plain_streams() -> Iterator[None]:
    """Let only text through to stdout and stderr; what cannot be said on stderr does not stop a command."""
    _open_closed_streams()
    if isinstance(sys.stdout, TextIOWrapper):
        # A series or file may have a name that a terminal cannot show; stderr is so already.
        sys.stdout.reconfigure(errors="backslashreplace")
    before = sys.stdout, sys.stderr
    # The progress bar draws over itself.
    sys.stdout = PlainText(sys.stdout)
    sys.stderr = PlainText(sys.stderr, allowed="\r", must_arrive=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _open_closed_streams() -> None:
    """Open to nowhere what was closed, as by ``>&-``: the next file to be opened would get its number and its text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def hush_libraries() -> None:
    """Keep off stderr what C libraries print there themselves, such as MetaIO's lines when a disk is full.

    Only where stderr is the process's own: within another program, as Slicer or a test, it is not ours to move.
    """
    if sys.stderr is None or sys.stderr is not sys.__stderr__:
        return
    global _hushed  # streams belong to the process as a whole
    _hushed = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stderr = os.fdopen(_hushed, "w", buffering=1, errors="backslashreplace")


_hushed: int | None = None
"""The descriptor that stderr has now, if `hush_libraries` moved it."""


def let_processes_speak() -> None:
    """Undo `hush_libraries`, for processes that are started from now on: their last words are the reason they ended."""
    if _hushed is not None:
        os.dup2(_hushed, 2)


def drop_what_cannot_be_written() -> None:
    """Keep Python from complaining when it flushes once more at its end (its library reference, "Note on SIGPIPE")."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
