"""Runs as a process that segments a batch's scans: jobs come on stdin, outcomes go to stdout, JSON lines.

It ends when its stdin does, whatever it is doing: nothing works on after a batch was killed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from LungUNetSegLib.batch.jobs import BatchSettings, Job, job_from_json
from LungUNetSegLib.batch.pipeline import open_segmenter, segment_jobs
from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import one_line


def main() -> int:
    """Take settings from the first line, then jobs; an empty object means that there are no more."""
    events = _own_stdout()
    lock = threading.Lock()

    def say(**event: Any) -> None:
        with lock:
            print(json.dumps(event), file=events, flush=True)

    settings = from_json(BatchSettings, json.loads(sys.stdin.readline()))
    jobs: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    try:
        segmenter = open_segmenter(settings)
    except Exception as error:
        say(cannot=one_line(error))
        return 1
    say(ready=True)

    def tell(name: str, stage: str, done: int, total: int) -> None:
        say(name=name, stage=stage, done=done, total=total)

    for outcome in segment_jobs(_jobs(jobs), settings, segmenter, tell):
        say(**dataclasses.asdict(outcome))
    return 0


def _own_stdout() -> TextIO:
    """Keep stdout for events: what a library prints goes to stderr."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _listen(jobs: SimpleQueue[dict[str, Any]]) -> None:
    while line := sys.stdin.readline():
        jobs.put(json.loads(line))
    os._exit(0)


def _jobs(jobs: SimpleQueue[dict[str, Any]]) -> Iterator[Job]:
    while values := jobs.get():
        yield job_from_json(values)


if __name__ == "__main__":
    sys.path[:] = [each for each in sys.path if each and Path(each).resolve() != Path(__file__).resolve().parent]
    sys.exit(main())
