"""Segments scans one after another with one open engine, and reads the next one meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from queue import SimpleQueue

from LungUNetSegLib.batch.jobs import BatchSettings, Job, Outcome
from LungUNetSegLib.batch.reading import JobScan, read_for
from LungUNetSegLib.batch.write import ChangedByHandError, write_result
from LungUNetSegLib.errors import DicomResultError, WriteError, one_line
from LungUNetSegLib.measures import acquisition_of
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter

SCANS_AT_ONCE = 2
"""Scans of a worker that are in memory: one at work, one that is read meanwhile."""

LEAVE_S = 1.0
"""A scan that nobody wants any more is read on for this time at most: most are done by then, and leave no file."""

Tell = Callable[[str, str, int, int], None]
"""Called with (name of the scan, stage, steps done, steps to do)."""


def say_nothing(name: str, stage: str, done: int, total: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, eq=False)
class Reading:
    """A job's scan, or the error that kept it from being read; and how long that took."""

    job: Job
    found: JobScan | None
    error: str
    seconds: float


def open_segmenter(settings: BatchSettings) -> Segmenter:
    """Load the batch's model into its engine.

    Raises:
        LungUNetSegError: The model or the engine cannot be used.
    """
    return Segmenter(load_model(settings.model), settings.engine, settings.device, settings.threads)


def segment_jobs(
    jobs: Iterable[Job], settings: BatchSettings, segmenter: Segmenter, tell: Tell = say_nothing
) -> Iterator[Outcome]:
    """Segment scans one after another; an error of any kind fails only the scan that caused it.

    Args:
        jobs: Asked for the next in another thread, while one is at work.
        settings: The batch's.
        segmenter: Of the settings' model.
        tell: See `Tell`.
    """
    for reading in _read_ahead(jobs, settings, tell):
        yield segment_reading(reading, settings, segmenter, tell)


def _read_ahead(jobs: Iterable[Job], settings: BatchSettings, tell: Tell) -> Iterator[Reading]:
    """Read scans in a thread, one ahead of the one in work; at most two are in memory."""
    ready: SimpleQueue[Reading | BaseException | None] = SimpleQueue()
    room = threading.Semaphore(SCANS_AT_ONCE - 1)
    left = threading.Event()

    def read_all() -> None:
        try:
            for job in jobs:
                room.acquire()
                if left.is_set():
                    return
                ready.put(read_job(job, settings, tell))
            ready.put(None)
        except BaseException as error:  # of the jobs' source: it belongs to who waits
            ready.put(error)

    thread = threading.Thread(target=read_all, daemon=True, name="read ahead")
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            room.release()
            yield item
            del item
    finally:
        left.set()
        room.release()
        thread.join(LEAVE_S)  # no longer: a command that ends does not wait for a slow network folder


def read_job(job: Job, settings: BatchSettings, tell: Tell = say_nothing) -> Reading:
    """Read a scan."""
    started = time.perf_counter()
    found, error = None, ""
    tell(job.name, "read", 0, 1)
    try:
        found = read_for(job, settings)
    except Exception as raised:
        error = one_line(raised)
    return Reading(job, found, error, time.perf_counter() - started)


def segment_reading(
    reading: Reading, settings: BatchSettings, segmenter: Segmenter, tell: Tell = say_nothing
) -> Outcome:
    """Segment a scan that was read, and write its folder of results."""
    job, found = reading.job, reading.found
    if found is None:
        is_there = all(each.path.exists() for each in job.opened)
        return Outcome(name=job.name, error=reading.error, seconds=reading.seconds, is_settled=is_there)
    started = time.perf_counter()
    try:
        result = segmenter.segment(
            found.scan.volume,
            labels=settings.labels,
            raw=settings.raw,
            acquisition=acquisition_of(found.scan.slices),
            progress=lambda stage, done, total: tell(job.name, stage, done, total),
        )
        seconds = {"read": reading.seconds, **result.seconds}
        result = replace(result, findings=found.scan.findings + result.findings, seconds=seconds)
        tell(job.name, "write", 0, 1)
        write_result(found, result, segmenter.model, settings)
    except Exception as error:
        is_own = not isinstance(error, WriteError) or isinstance(error, (ChangedByHandError, DicomResultError))
        took_s = reading.seconds + time.perf_counter() - started
        return Outcome(name=job.name, error=one_line(error), seconds=took_s, is_settled=is_own)
    return Outcome(name=job.name, seconds=reading.seconds + time.perf_counter() - started)
