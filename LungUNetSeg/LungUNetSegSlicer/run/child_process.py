"""Defines what all child processes have in common, whichever event loop waits for them: start, messages and end."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from slicer.i18n import tr as _

from LungUNetSegLib.progress import Progress

_PROGRAM = "lungunetseg: "
"""Prefix of the command line's error message on stderr."""


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended.

    Attributes:
        state: Whether its exit status was 0, it was cancelled, or it failed.
        message: The child's error message for the user, if it failed.
        log: All that it wrote to stderr, if it failed.
    """

    state: Literal["done", "cancelled", "failed"]
    message: str = ""
    log: str = ""


class ChildProcess(Protocol):
    """The interface of a child process; each event loop has its own, and tests have others."""

    def start(self, arguments: Sequence[str], folder: Path) -> None:
        """Start the child with its folder."""

    def cancel(self) -> None:
        """Kill the child and its children."""


def report_progress(lines: Iterable[bytes], on_progress: Progress) -> None:
    """Report the progress in a child's lines; if several have arrived, the last of each stage is enough."""
    latest = dict(progress for line in lines if (progress := _parse(line)))
    for stage, (done, total) in latest.items():
        on_progress(stage, done, total)


def failed_to_start(reason: str) -> ChildEnd:
    """Return the end of a child that never ran."""
    message = _("{program} cannot be started: {reason}.")
    return ChildEnd("failed", message.format(program=sys.executable, reason=reason))


def failed(stderr: bytes) -> ChildEnd:
    """Return the end of a child that failed, by what it wrote to stderr; all of that goes to Slicer's log."""
    log = stderr.decode(errors="replace").strip()
    if log:
        logging.error("LungUNetSeg: %s", log)
    told = [line.removeprefix(_PROGRAM) for line in log.splitlines() if line.startswith(_PROGRAM)]
    # Otherwise the process was killed or did not really start; then PythonSlicer's launcher has a message of its own.
    unexpected = _("The computation ended unexpectedly. Perhaps memory ran out: close other programs, and try again.")
    return ChildEnd("failed", told[-1] if told else unexpected, log)


def _parse(line: bytes) -> tuple[str, tuple[int, int]] | None:
    """Parse a line of progress to (stage, (done, total)); None for any other line, which goes to the log."""
    try:
        progress = json.loads(line)
        return progress["stage"], (progress["done"], progress["total"])
    except (ValueError, KeyError, TypeError):
        logging.info("LungUNetSeg: %s", line.decode(errors="replace"))
        return None
