"""Sets up the command's output streams and signals: safe text on terminals, and a clean end on request."""

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
"""Control characters of terminals, except tab and line feed, and those that change the writing direction."""


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
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it removes incomplete files.

    Nothing changes if they are handled or ignored already, as under `nohup`, or outside the main thread.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the cleaning up; SIGKILL still works
        raise Terminated(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives signals
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
    """A text stream that escapes control characters.

    File names and texts of DICOM headers are not trusted: an escape sequence in them would control the terminal, so it
    is written as text instead.

    Args:
        stream: The stream to write to.
        allowed: Control characters that pass.
        must_arrive: Whether a failure to write is an error.
    """

    def __init__(self, stream: TextIO, allowed: str = "", must_arrive: bool = True) -> None:
        self._stream, self._allowed, self._must_arrive = stream, allowed, must_arrive

    def write(self, text: str) -> int:
        """Write a text, its control characters escaped as in Python."""
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
            with suppress(OSError):  # otherwise Python would fail with it at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextmanager
def plain_streams() -> Iterator[None]:
    """Escape control characters on stdout and stderr; a failure to write to stderr does not stop a command."""
    _open_closed_streams()
    if isinstance(sys.stdout, TextIOWrapper):
        # A name may have characters that the terminal cannot show; stderr handles them already.
        sys.stdout.reconfigure(errors="backslashreplace")
    before = sys.stdout, sys.stderr
    # The progress bar overwrites itself.
    sys.stdout = PlainText(sys.stdout)
    sys.stderr = PlainText(sys.stderr, allowed="\r", must_arrive=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _open_closed_streams() -> None:
    """Open closed standard streams (as by ``>&-``) to the null device, so that no other file gets their descriptor."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def hush_libraries() -> None:
    """Suppress what C libraries print to stderr themselves, such as MetaIO's lines when a disk is full.

    Only if stderr belongs to this process: within another program, as Slicer or a test, it is not redirected.
    """
    if sys.stderr is None or sys.stderr is not sys.__stderr__:
        return
    global _hushed  # streams are shared by the whole process
    _hushed = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stderr = os.fdopen(_hushed, "w", buffering=1, errors="backslashreplace")


_hushed: int | None = None
"""The descriptor of the real stderr, if `hush_libraries` redirected it."""


def let_processes_speak() -> None:
    """Undo `hush_libraries` for processes started from now on, so that their error messages are shown."""
    if _hushed is not None:
        os.dup2(_hushed, 2)


def drop_what_cannot_be_written() -> None:
    """Prevent Python's error when it flushes at exit (its library reference, "Note on SIGPIPE")."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
