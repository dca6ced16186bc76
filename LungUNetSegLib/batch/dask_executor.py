"""Does jobs on a Dask cluster: one that runs already, or one that is started here for the batch alone.

Each worker opens the model once. Only so many scans are handed out as the workers can hold, so that a cluster may grow
and shrink meanwhile. When a worker dies, its scans are done again at the end, each alone on a worker, so that the scan
whose fault it was is known: at a second death it is given up.
"""

from __future__ import annotations

import logging
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import LungUNetSegLib
from LungUNetSegLib.batch.children import PATIENCE_S
from LungUNetSegLib.batch.find import unpack
from LungUNetSegLib.batch.jobs import BatchSettings, Job, Outcome, Outcomes, job_to_json
from LungUNetSegLib.batch.pipeline import SCANS_AT_ONCE, Tell, say_nothing
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.batch.write import publish
from LungUNetSegLib.config import to_json
from LungUNetSegLib.errors import EngineError, LungUNetSegError, message_of, one_line
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.machine import import_extra

logger = logging.getLogger(__name__)

CONNECT_S = 15
LOST_S = 60.0
"""A scheduler may be out of reach for this time."""

ASK_EVERY_S = 2.0
"""How often the scheduler is asked for its workers; each time takes a millisecond and a half of CPU time."""

QUEUED = 16
"""Scans that wait at the scheduler beyond those at work: an adaptive cluster grows by what waits."""


class DaskCluster:
    """Does jobs on a Dask cluster.

    Args:
        address: Of its scheduler, as ``tcp://host:8786``; None starts workers on this machine.
        workers: How many to start here.
        send: Send each scan to its worker and take the results back: for workers that do not see the files. Otherwise
            all machines must see them, and the folder of results, at the same paths.

    Raises:
        MissingDependencyError: Dask is not installed.
    """

    def __init__(self, address: str | None, workers: int = 1, *, send: bool = False) -> None:
        self._distributed = import_extra("distributed", "A cluster needs the package distributed", "dask")
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # each comer and goer is news to it
        self._address, self._workers, self._send = address, workers, send

    def run(self, jobs: Sequence[Job], settings: BatchSettings, tell: Tell = say_nothing) -> Outcomes:
        """See `Executor`."""
        if not jobs:
            return
        with ExitStack() as stack:
            client = self._connect(stack)
            self._check(client)
            if not self._send:
                self._check_sight(client, [Store(settings.output).scans, *(each.path for each in jobs[0].opened[:1])])
            work = _Work(client, settings, tell, send=self._send)
            stack.callback(work.cancel)
            yield from work.do(jobs)

    def _connect(self, stack: ExitStack) -> Any:
        address: Any = self._address
        if address is None:
            from LungUNetSegLib.batch.dask_cluster import local_cluster

            address = stack.enter_context(local_cluster(self._workers))
        try:
            client = self._distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise EngineError(
                f"There is no Dask scheduler at {self._address} that answers ({message_of(error).rstrip('.')}). Start"
                " one with `dask scheduler`, and check the address."
            ) from error
        stack.enter_context(closing(client))
        return client

    def _check(self, client: Any) -> None:
        """Refuse a cluster whose workers have other versions than this process: results would differ, or fail."""
        from LungUNetSegLib.batch.dask_tasks import check_version

        versions = client.get_versions()
        ours = versions["client"]["packages"]["distributed"]
        members = {"the scheduler": versions["scheduler"]} | versions["workers"]
        for place, each in members.items():
            theirs = each["packages"]["distributed"] if each else "unknown"
            if theirs != ours:
                raise EngineError(
                    f"Dask on {place} has version {theirs} and here {ours}: install the same on all machines."
                )
        try:
            found = client.run(_library_version)
        except Exception as error:
            raise EngineError(
                f"The workers cannot load LungUNetSeg ({type(error).__name__}: {message_of(error)}): install it in"
                " their environment too."
            ) from error
        for place, theirs in found.items():
            check_version(place, theirs, LungUNetSegLib.__version__)

    def _check_sight(self, client: Any, paths: list[Path]) -> None:
        """Refuse workers whose machines do not see what this one sees."""
        from LungUNetSegLib.batch.dask_tasks import check_sight, first_unseen

        here = [each for each in paths if each.exists()]
        for place, unseen in client.run(first_unseen, here, on_error="ignore").items():  # one may just have gone
            check_sight(place, unseen)


def _library_version() -> str:
    return LungUNetSegLib.__version__


class _Work:
    """The jobs of one batch on a cluster."""

    def __init__(self, client: Any, settings: BatchSettings, tell: Tell, *, send: bool) -> None:
        from LungUNetSegLib.batch.dask_tasks import TOPIC, GiveUpSoon

        self._client, self._settings, self._send = client, settings, send
        self._values = to_json(settings)
        self._futures: dict[Any, Job] = {}
        self._alone: dict[Any, str] = {}
        self._heard = time.monotonic()
        self._said_waiting = False
        self._places, self._asked = 0, time.monotonic() - ASK_EVERY_S
        self._ended: SimpleQueue[Any] = SimpleQueue()
        client.register_plugin(GiveUpSoon())
        client.subscribe_topic(
            TOPIC, lambda event: tell(event[1]["name"], event[1]["stage"], event[1]["done"], event[1]["total"])
        )

    def do(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        waiting, suspects = deque(jobs), deque[Job]()
        while waiting or self._futures or not self._ended.empty():
            while waiting and len(self._futures) < self._room():
                self._submit(waiting.popleft())
            for job, outcome in self._finished():
                if outcome is None:
                    suspects.append(job)
                else:
                    yield outcome
        yield from self._do_alone(suspects)

    def _do_alone(self, suspects: deque[Job]) -> Iterator[Outcome]:
        """Repeat the scans whose worker died, each alone on a worker."""
        while suspects or self._futures or not self._ended.empty():
            busy = set(self._alone.values())
            free = [address for address in self._addresses() if address not in busy]
            for address in free[: len(suspects)]:
                self._submit(suspects.popleft(), address)
            for job, outcome in self._finished():
                reason = "two workers that segmented it ended. Is a file damaged, or is there too little memory?"
                yield outcome or Outcome(name=job.name, error=reason)

    def cancel(self) -> None:
        """Cancel all tasks that are under way."""
        with suppress(Exception):  # the cluster may be gone
            self._client.cancel(list(self._futures), force=True)

    def _addresses(self) -> list[str]:
        # Asked for now: what `scheduler_info` says is seconds old, and may name a worker that is dead.
        found = list(self._client.nthreads())
        if not found and not self._said_waiting:
            logger.info("The cluster has no worker yet; waiting for the first one.")
            self._said_waiting = True
        return found

    def _room(self) -> int:
        """Return how many scans may be under way; if files are sent, no more than the workers can hold."""
        if time.monotonic() - self._asked >= ASK_EVERY_S:
            self._places, self._asked = SCANS_AT_ONCE * len(self._addresses()), time.monotonic()
        return max(SCANS_AT_ONCE, self._places) if self._send else self._places + QUEUED

    def _submit(self, job: Job, address: str | None = None) -> None:
        from LungUNetSegLib.batch.dask_tasks import PREFIX, segment_on_worker

        sent = None
        if self._send:
            try:
                sent = self._client.scatter([_contents(job)], hash=False)[0]
            except (LungUNetSegError, OSError) as error:
                self._ended.put((job, Outcome(name=job.name, error=one_line(error))))
                return
        future = self._client.submit(
            segment_on_worker,
            job_to_json(job),
            self._values,
            LungUNetSegLib.__version__,
            sent,
            key=f"{PREFIX}{job.name}-{uuid.uuid4().hex[:8]}",
            pure=False,
            workers=[address] if address else None,
            allow_other_workers=bool(address),  # it may die before it is asked
        )
        self._futures[future] = job
        if address:
            self._alone[future] = address
        future.add_done_callback(self._ended.put)

    def _finished(self) -> Iterator[tuple[Job, Outcome | None]]:
        """Wait a moment for finished scans; a scan whose worker died comes without an outcome."""
        try:
            ended = self._ended.get(timeout=PATIENCE_S)
        except Empty:
            self._check_scheduler()
            return
        if isinstance(ended, tuple):
            yield ended
            return
        job = self._futures.pop(ended)
        self._alone.pop(ended, None)
        yield job, self._outcome(ended, job)
        ended.release()

    def _outcome(self, future: Any, job: Job) -> Outcome | None:
        from distributed import KilledWorker

        if future.status == "cancelled":  # its data were lost with a worker
            return None
        error = future.exception()
        if isinstance(error, KilledWorker):
            return None
        if isinstance(error, LungUNetSegError):  # no engine, no model: it will be so for all
            raise error
        if error is not None:
            return Outcome(name=job.name, error=one_line(error))
        values, parcel = future.result()
        if parcel:
            _unpack_result(parcel, Store(self._settings.output).scans, job.name)
        return Outcome(**values)

    def _check_scheduler(self) -> None:
        if self._client.status == "running":
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > LOST_S:
            raise EngineError(
                "The Dask scheduler does not answer any longer. What is done is kept: start a scheduler, and the same"
                " command continues."
            )


def _contents(job: Job) -> list[bytes]:
    """Return the contents of a scan's files."""
    with tempfile.TemporaryDirectory(prefix="lungunetseg-") as folder:
        return [path.read_bytes() for path in unpack(job.opened, Path(folder))]


def _unpack_result(parcel: dict[str, bytes], scans: Path, name: str) -> None:
    """Write the files that a worker sent to where it would have written them itself."""
    with draft_folder(scans) as draft:
        folder = draft / name
        folder.mkdir()
        for file, content in parcel.items():
            (folder / Path(file).name).write_bytes(content)
        publish(folder, scans)
