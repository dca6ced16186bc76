"""Controls the child process from Slicer, with Qt: start, progress, cancel, end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import qt

from LungUNetSegLib.progress import Progress
from LungUNetSegSlicer.run.child_process import ChildEnd, failed, failed_to_start, report_progress
from LungUNetSegSlicer.run.command import SEGMENT, command, environment
from LungUNetSegSlicer.run.process_tree import end_process_tree


class Worker:
    """A PythonSlicer process that runs a module of this package.

    Args:
        on_progress: Called for each line of progress.
        on_end: Called once, when the process has ended for any reason.
        module: What it runs.
    """

    def __init__(self, on_progress: Progress, on_end: Callable[[ChildEnd], None], module: str = SEGMENT) -> None:
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
        variables = qt.QProcessEnvironment.systemEnvironment()
        for name, value in environment(variables.value("PYTHONPATH", "")).items():
            variables.insert(name, value)
        self._process.setProcessEnvironment(variables)
        self._process.setWorkingDirectory(str(folder))
        program, *rest = command(self._module, folder, arguments)
        self._process.start(program, rest)

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
        report_progress(lines, self._on_progress)

    def _finish(self, exit_code: int, _exit_status: int) -> None:
        if self._cancelled:
            self._end(ChildEnd("cancelled"))
        elif exit_code == 0 and self._process.exitStatus() == qt.QProcess.NormalExit:
            self._read_progress()
            self._end(ChildEnd("done"))
        else:
            self._end(failed(self._process.readAllStandardError().data()))

    def _fail_to_start(self, error: int) -> None:
        # Any other error is followed by `finished`.
        if error == qt.QProcess.FailedToStart:
            self._end(failed_to_start(self._process.errorString()))

    def _end(self, end: ChildEnd) -> None:
        # PythonQt's connections are strong references and would keep this object alive.
        for signal, slot in self._connections.items():
            self._process.disconnect(signal, slot)
        self._on_end(end)
