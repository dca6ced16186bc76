"""A Dask scheduler and workers as they run on other machines: processes of their own, started by Dask's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from children import CHECKOUT

DEADLY = """
import os
from LungUNetSegLib.batch import dask_tasks, pipeline
read = pipeline.read_job  # not the other, as Dask runs a preload twice
def read_or_die(job, *arguments):
    if "deadly" in job.place:
        os._exit(1)
    return read(job, *arguments)
dask_tasks.read_job = read_or_die
"""
"""Makes a worker die of a scan that is called so, as of a codec that crashes."""


IDLE = {"DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s", "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
"""Without these a worker that waits takes a fifteenth of a core, to look at its own event loop and calls."""


class Machines:
    """A scheduler's address, and the processes of its workers."""

    def __init__(self, address: str, nannies: list[subprocess.Popen[bytes]]) -> None:
        self.address, self._nannies = address, nannies

    def workers(self) -> list[int]:
        """Return the ids of the processes that compute; their nannies start others in their place."""
        found = []
        for nanny in self._nannies:
            for child in _children(nanny.pid):
                if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
                    found.append(child)
        return found


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in threads for child in path.read_text().split()]


@contextmanager
def machines(folder: Path, workers: int, preload: str = DEADLY) -> Iterator[Machines]:
    """Run a scheduler and workers, whose environment has the checkout, until the block ends; workers run `preload`."""
    (folder / "preload.py").write_text(preload, encoding="utf-8")
    place = folder / "scheduler.json"
    environment = os.environ | IDLE | {"PYTHONPATH": str(CHECKOUT), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}

    def start(*words: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-m", *map(str, words), "--no-dashboard"]
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(command, env=environment, cwd=folder, stderr=log)

    scheduler = start("distributed.cli.dask_scheduler", "--scheduler-file", place, "--host", "127.0.0.1", "--port", 0)
    given = ("--scheduler-file", place, "--nthreads", 2, "--preload", folder / "preload.py", "--memory-limit", 0)
    nannies: list[subprocess.Popen[bytes]] = []
    try:
        deadline = time.monotonic() + 60
        while not place.exists():
            assert time.monotonic() < deadline and scheduler.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        nannies += [start("distributed.cli.dask_worker", *given) for _ in range(workers)]
        yield Machines(json.loads(place.read_text(encoding="utf-8"))["address"], nannies)
    finally:
        for process in (*nannies, scheduler):
            process.terminate()
        for process in (*nannies, scheduler):
            process.wait(30)
