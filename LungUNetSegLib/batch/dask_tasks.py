"""Runs on a Dask cluster for a batch: one scan on a worker, and on the scheduler when to give a scan up."""

from __future__ import annotations

import dataclasses
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from distributed import get_worker
from distributed.diagnostics.plugin import SchedulerPlugin

import LungUNetSegLib
from LungUNetSegLib.batch.find import SourceFile, places_below
from LungUNetSegLib.batch.jobs import BatchSettings, Job, Outcome, job_from_json
from LungUNetSegLib.batch.pipeline import SCANS_AT_ONCE, open_segmenter, read_job, segment_reading
from LungUNetSegLib.batch.reading import with_own_places
from LungUNetSegLib.batch.share import PROCESS_BYTES, free_bytes, scan_bytes
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.segmentation.segmenter import Segmenter

PREFIX = "lungunetseg-"
"""How the keys of a batch's tasks begin."""

TOPIC = "lungunetseg"
"""Topic of the events that tell the client what is at work."""

TELL_EVERY_S = 1.0

WORKER_SHARE = 0.9
"""What of a worker's memory its scans may take: at 0.95 Dask ends it."""

_engine = threading.Lock()

Parcel = dict[str, bytes]
"""Files by their names."""


class GiveUpSoon(SchedulerPlugin):  # type: ignore[misc]
    """Lets a batch's task fail when its worker dies, at once; the client finds out which scan caused it.

    A scheduler tries a task on several workers more (``distributed.scheduler.allowed-failures``), and with it all that
    were on the worker; each death would cost a cluster as many scans as a worker holds. Tasks of others are let be.
    """

    name = "lungunetseg"
    idempotent = True

    async def start(self, scheduler: Any) -> None:
        """Keep the scheduler."""
        self._scheduler = scheduler

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        """Count a task that begins to wait as one that has failed as often as it may."""
        if start == "released" and str(key).startswith(PREFIX) and key in self._scheduler.tasks:
            self._scheduler.tasks[key].suspicious = self._scheduler.allowed_failures


def check_version(place: str, theirs: str, ours: str) -> None:
    """Raise EngineError unless the library has the same version there as here, where the command runs."""
    if theirs != ours:
        raise EngineError(
            f"LungUNetSeg on {place} has version {theirs} and here {ours}: install the same on all machines."
        )


def first_unseen(paths: Sequence[Path]) -> str:
    """Return the first of these paths that this machine does not see; "" if it sees all."""
    return next((str(each) for each in paths if not each.exists()), "")


def check_sight(place: str, unseen: str) -> None:
    """Raise EngineError if a worker's machine does not see a path, which `first_unseen` told."""
    if unseen:
        raise EngineError(
            f"The machine of the Dask worker {place} does not see {unseen}: mount the folders of scans and results"
            " there at the same paths as here, or send each scan to its worker (--send on the command line)."
        )


def segment_on_worker(
    job: Mapping[str, Any], settings: Mapping[str, Any], version: str, sent: list[bytes] | None = None
) -> tuple[dict[str, Any], Parcel]:
    """Segment one scan on a worker; the model stays open for the next.

    Args:
        job: From `job_to_json`.
        settings: The batch's, from `to_json`.
        version: Of the library where the command runs: a worker that comes later was not asked for its own.
        sent: The content of `Job.opened`, in its order, where the worker does not see them.

    Returns:
        The fields of the `Outcome`; and the files of the results where the scan was sent, else nothing, as they lie in
        the batch's own folder then.

    Raises:
        EngineError: The worker has another version, or does not see the folder of results; or no engine, or no model.
    """
    address = get_worker().address
    check_version(address, LungUNetSegLib.__version__, version)
    if sent is None:
        check_sight(address, first_unseen([Store(Path(settings["output"])).scans]))
    need = scan_bytes(job["voxels"]) + sum(map(len, sent or ()))
    most = _most_bytes()
    if most is not None and need > most:
        return dataclasses.asdict(Outcome(name=job["name"], error=_too_large(need, most))), {}
    with _room.taken(need, most), tempfile.TemporaryDirectory(prefix="lungunetseg-") as name:
        known, batch = job_from_json(dict(job)), from_json(BatchSettings, settings)
        own = known
        if sent is not None:
            own, batch = _unpacked(known, sent, Path(name)), dataclasses.replace(batch, output=Path(name))
            Store(batch.output).scans.mkdir()
        outcome = _segment(own, batch)
        error = with_own_places(outcome.error, known, [each.path for each in own.opened])
        if not outcome.is_settled:
            error += f" This was on the machine of the Dask worker {address}."
        outcome = dataclasses.replace(outcome, error=error)
        folder = Store(batch.output).scans / own.name
        parcel = {each.name: each.read_bytes() for each in folder.iterdir()} if sent and not outcome.error else {}
    return dataclasses.asdict(outcome), parcel


def _most_bytes() -> int | None:
    """Return what this worker's scans may take of memory; None where Dask gives it no limit."""
    limit = get_worker().memory_manager.memory_limit
    return None if limit is None else max(0, round(WORKER_SHARE * limit) - PROCESS_BYTES)


def _too_large(need: int, most: int) -> str:
    return (
        f"the scan takes about {need / 1e9:.1f} GB of memory, and its Dask worker has {most / 1e9:.1f} GB for scans."
        " Start workers with more memory (--memory-limit of `dask worker`), and try it again (--retry-failed on the"
        " command line)."
    )


class Room:
    """Lets at most `SCANS_AT_ONCE` scans into a worker's memory, and a second one only if it fits beside the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._needs: list[int] = []
        self._bytes = 0

    @contextmanager
    def taken(self, need: int, most: int | None) -> Iterator[None]:
        """Wait until a scan fits, and hold its place.

        Args:
            need: Bytes that it takes.
            most: Bytes that scans may take in this worker; None without a limit.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._fits(need, most))
            self._needs.append(need)
        try:
            yield
        finally:
            with self._changed:
                self._needs.remove(need)
                self._changed.notify_all()

    def _fits(self, need: int, most: int | None) -> bool:
        if not self._needs:  # alone it is tried in any case; what is free is known only before its memory is taken
            self._bytes = free_bytes() if most is None else min(most, free_bytes())
            return True
        return len(self._needs) < SCANS_AT_ONCE and sum(self._needs) + need <= self._bytes


_room = Room()


def _segment(job: Job, settings: BatchSettings) -> Outcome:
    worker, told = get_worker(), {"": 0.0}

    def tell(name: str, stage: str, done: int, total: int) -> None:
        if time.monotonic() - told[""] > TELL_EVERY_S:
            told[""] = time.monotonic()
            worker.log_event(TOPIC, {"name": name, "stage": stage, "done": done, "total": total})

    reading = read_job(job, settings, tell)
    with _engine:
        return segment_reading(reading, settings, _open(settings), tell)


@lru_cache(1)
def _open(settings: BatchSettings) -> Segmenter:
    return open_segmenter(settings)


def _unpacked(job: Job, sent: list[bytes], folder: Path) -> Job:
    """Return the job with the files that were sent; they keep their names, which tell the format."""
    files = []
    for file, content, path in zip(job.opened, sent, places_below(folder, job.opened), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files.append(SourceFile(path, file.size, file.mtime_ns))
    number = len(job.files)
    return dataclasses.replace(job, files=tuple(files[:number]), copies=tuple(files[number:]))
