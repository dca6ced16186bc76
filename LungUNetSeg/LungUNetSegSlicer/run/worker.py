"""Controls the child process from Slicer: start, progress, cancel, end."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import qt
from slicer.i18n import tr as _

import LungUNetSegLib
from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.process_tree import end_process_tree

"""Called with (stage, done, total)."""

_MODULE_PATH = (Path(LungUNetSegLib.__file__).parents[1], Path(__file__).parents[2])
"""Folders for the child's sys.path: it does not inherit what Slicer added to its own."""

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
    """The interface of a child process; `Worker` implements it, and tests have others."""

    def start(self, arguments: Sequence[str], folder: Path) -> None:
        """Start the child with its folder."""

    def cancel(self) -> None:
        """Kill the child and its children."""


class Worker:
    """A PythonSlicer process that runs a module of this package.

    Args:
        on_progress: Called for each line of progress.
        on_end: Called once, when the process has ended for any reason.
        module: What it runs.
    """

    def __init__(
        self,
        on_progress: Progress,
        on_end: Callable[[ChildEnd], None],
        module: str = "LungUNetSegSlicer.run.child",
    ) -> None:
        self._on_progress, self._on_end, self._module = on_progress, on_end, module
        self._cancelled = False
        self._unread = b""
        self._process = qt.QProcess()
        self._connections = {
            "readyReadStandardOutput()": self._read_progress,
            "finished(int,QProcess::ExitStatus)": self._finish,
            "errorOccurred(QProcess::ProcessError)": self._fail_to_start,
        }
        for signal, slot in self._connections.items():
            self._process.connect(signal, slot)

    def start(self, arguments: Sequence[str], folder: Path) -> None:
        """Start the child with `folder` as its first argument."""
        environment = qt.QProcessEnvironment.systemEnvironment()
        python_path = [*map(str, _MODULE_PATH), environment.value("PYTHONPATH", "")]
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, python_path)))
        environment.insert("PYTHONUTF8", "1")
        # By default `python -m` searches the working directory for modules first.
        environment.insert("PYTHONSAFEPATH", "1")
        self._process.setProcessEnvironment(environment)
        self._process.setWorkingDirectory(str(folder))
        self._process.start(sys.executable, ["-m", self._module, str(folder), *arguments])

    def cancel(self) -> None:
        """Kill the child and its children; `on_end` is called before this returns."""
        if self._process.state() == qt.QProcess.NotRunning:
            return
        self._cancelled = True
        pid = self._process.processId()
        if pid:
            end_process_tree(pid)
        self._process.kill()
        self._process.waitForFinished(1000)

    def _read_progress(self) -> None:
        *lines, self._unread = (self._unread + self._process.readAllStandardOutput().data()).split(b"\n")
        # If several lines have arrived, the last of each stage is enough.
        latest = dict(progress for line in lines if (progress := _parse(line)))
        for stage, (done, total) in latest.items():
            self._on_progress(stage, done, total)

    def _finish(self, exit_code: int, _exit_status: int) -> None:
        if self._cancelled:
            self._end(ChildEnd("cancelled"))
        elif exit_code == 0 and self._process.exitStatus() == qt.QProcess.NormalExit:
            self._read_progress()
            self._end(ChildEnd("done"))
        else:
            stderr = self._process.readAllStandardError().data().decode(errors="replace").strip()
            self._end(ChildEnd("failed", _complaint(stderr), stderr))

    def _fail_to_start(self, error: int) -> None:
        # Any other error is followed by `finished`.
        if error == qt.QProcess.FailedToStart:
            message = _("{program} cannot be started: {reason}.")
            message = message.format(program=sys.executable, reason=self._process.errorString())
            self._end(ChildEnd("failed", message))

    def _end(self, end: ChildEnd) -> None:
        # PythonQt's connections are strong references and would keep this object alive.
        for signal, slot in self._connections.items():
            self._process.disconnect(signal, slot)
        self._on_end(end)


def _complaint(stderr: str) -> str:
    """Return the command line's error message; all of stderr goes to Slicer's log."""
    if stderr:
        logging.error("LungUNetSeg: %s", stderr)
    told = [line.removeprefix(_PROGRAM) for line in stderr.splitlines() if line.startswith(_PROGRAM)]
    if told:
        return told[-1]
    # The process was killed or did not really start; then PythonSlicer's launcher writes a message of its own.
    return _("The computation ended unexpectedly. Perhaps memory ran out: close other programs, and try again.")


def _parse(line: bytes) -> tuple[str, tuple[int, int]] | None:
    """Parse a line of progress to (stage, (done, total)); None for any other line, which goes to the log."""
    try:
        progress = json.loads(line)
        return progress["stage"], (progress["done"], progress["total"])
    except (ValueError, KeyError, TypeError):
        logging.info("LungUNetSeg: %s", line.decode(errors="replace"))
        return None
