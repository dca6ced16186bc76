"""Does jobs in processes of this machine: a crash fails one scan, and the process is replaced."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TextIO

from LungUNetSegLib.batch.children import PATIENCE_S, child_environment
from LungUNetSegLib.batch.jobs import BatchSettings, Job, Outcome, Outcomes, job_to_json
from LungUNetSegLib.batch.pipeline import SCANS_AT_ONCE, Tell, say_nothing
from LungUNetSegLib.config import to_json
from LungUNetSegLib.errors import EngineError

MOST_DEATHS = 2
"""A scan at whose work so many processes died is given up."""

END_S = 0.5
"""How long a process may take to end when it is asked to."""


class LocalProcesses:
    """Does jobs in processes of this machine.

    Args:
        count: How many processes.
        command: What starts one; for tests.
    """

    def __init__(self, count: int, command: Sequence[str] = ()) -> None:
        self._count = count
        self._command = list(command) or [sys.executable, "-m", "LungUNetSegLib.batch.worker"]

    def run(self, jobs: Sequence[Job], settings: BatchSettings, tell: Tell = say_nothing) -> Outcomes:
        """See `Executor`."""
        if not jobs:
            return
        # Temporary files lie in a folder of the batch, as a process that is killed leaves its own.
        with tempfile.TemporaryDirectory(prefix="lungunetseg-", ignore_cleanup_errors=True) as folder:
            crew = _Crew(self._command, child_environment(TMPDIR=folder), settings, tell)
            try:
                yield from crew.work(jobs, min(self._count, len(jobs)))
            finally:
                crew.end()


@dataclasses.dataclass
class _Worker:
    process: subprocess.Popen[str]
    words: TextIO
    """What it last said on stderr."""
    listener: threading.Thread | None = None
    jobs: dict[str, Job] = dataclasses.field(default_factory=dict)
    """What it has and has not finished, by name."""
    is_ready: bool = False
    is_alone: bool = False
    """Whether it may have one job only: one that is suspected of ending processes."""


class _Crew:
    """Processes with their jobs and their messages."""

    def __init__(self, command: list[str], environment: dict[str, str], settings: BatchSettings, tell: Tell) -> None:
        self._command, self._environment, self._tell = command, environment, tell
        self._settings = json.dumps(to_json(settings))
        self._events: SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._deaths: dict[str, int] = {}
        self._unready = 0

    def work(self, jobs: Sequence[Job], count: int) -> Iterator[Outcome]:
        waiting, suspects, left = deque(jobs), deque[Job](), len(jobs)
        self._workers = [self._start() for _ in range(count)]
        while left:
            for worker in self._workers:
                self._feed(worker, waiting, suspects)
            with suppress(Empty):
                worker, event = self._events.get(timeout=PATIENCE_S)
                for outcome in self._hear(worker, event, suspects):
                    left -= 1
                    yield outcome
        for worker in self._workers:
            self._send(worker, {})

    def _start(self) -> _Worker:
        words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for the batch, which then ends its processes
        )
        worker = _Worker(process, words)
        worker.listener = threading.Thread(target=self._listen, args=(worker,), daemon=True)
        worker.listener.start()
        self._write(worker, self._settings)
        return worker

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            self._events.put((worker, json.loads(line)))
        self._events.put((worker, None))

    def _feed(self, worker: _Worker, waiting: deque[Job], suspects: deque[Job]) -> None:
        """Give a process as many jobs as it takes; a suspect is alone in its process."""
        if suspects and not worker.jobs:
            worker.is_alone = True
            self._give(worker, suspects.popleft())
        while waiting and not suspects and not worker.is_alone and len(worker.jobs) < SCANS_AT_ONCE:
            self._give(worker, waiting.popleft())

    def _give(self, worker: _Worker, job: Job) -> None:
        worker.jobs[job.name] = job
        self._send(worker, job_to_json(job))

    def _send(self, worker: _Worker, values: dict[str, Any]) -> None:
        self._write(worker, json.dumps(values))

    def _write(self, worker: _Worker, line: str) -> None:
        assert worker.process.stdin is not None
        with suppress(OSError):  # it has just died, which its listener tells
            worker.process.stdin.write(line + "\n")
            worker.process.stdin.flush()

    def _hear(self, worker: _Worker, event: dict[str, Any] | None, suspects: deque[Job]) -> Iterator[Outcome]:
        if event is None:
            yield from self._bury(worker, suspects)
        elif "cannot" in event:
            raise EngineError(event["cannot"])
        elif "ready" in event:
            worker.is_ready = True
        elif "stage" in event:
            self._tell(event["name"], event["stage"], event["done"], event["total"])
        else:
            worker.jobs.pop(event["name"])
            worker.is_alone = False
            yield Outcome(**event)

    def _bury(self, worker: _Worker, suspects: deque[Job]) -> Iterator[Outcome]:
        """Replace a process that died; its jobs become suspects, and a job that was one already is given up."""
        reason = _last_words(worker)
        self._unready = 0 if worker.is_ready else self._unready + 1
        if self._unready > 1:
            raise EngineError(f"The worker processes do not start: {reason}.")
        for job in worker.jobs.values():
            deaths = self._deaths.get(job.name, 0) + worker.is_ready
            self._deaths[job.name] = deaths
            if deaths >= MOST_DEATHS or (worker.is_alone and worker.is_ready):
                yield Outcome(
                    name=job.name,
                    error=f"the process that segmented it ended twice: {reason}. Is a file damaged, or is there too"
                    " little memory?",
                )
            else:
                suspects.append(job)
        _close(worker)
        self._workers[self._workers.index(worker)] = self._start()

    def end(self) -> None:
        """End all processes: those at work too, within a second."""
        for worker in self._workers:
            with suppress(OSError):
                assert worker.process.stdin is not None
                worker.process.stdin.close()  # at which it ends
        until = time.monotonic() + END_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            _close(worker)


def _close(worker: _Worker) -> None:
    """Close the pipes and files of a process that has ended."""
    assert worker.process.stdin is not None and worker.process.stdout is not None and worker.listener is not None
    worker.listener.join()
    with suppress(OSError):  # what it did not take any more
        worker.process.stdin.close()
    worker.process.stdout.close()
    worker.words.close()


def _last_words(worker: _Worker) -> str:
    code = worker.process.wait()
    worker.words.seek(0)
    said = [line.strip() for line in worker.words.read()[-2000:].splitlines() if line.strip()]
    if code < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}" + (f" ({said[-1]})" if said else "")
    return said[-1] if said else f"exit code {code}"
