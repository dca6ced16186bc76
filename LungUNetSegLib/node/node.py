"""Runs a node: it receives or fetches studies, segments one after another, and sends the results."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from LungUNetSegLib.errors import ConfigError, one_line
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom.headers import read_headers
from LungUNetSegLib.io.dicom_objects.common import highdicom, write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.node.config import NodeConfig
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.poll import Poller
from LungUNetSegLib.node.receive import Receiver, pynetdicom
from LungUNetSegLib.node.send import Sender
from LungUNetSegLib.node.status import StatusPage
from LungUNetSegLib.node.store import Store
from LungUNetSegLib.segmentation.segmenter import Segmenter

POLL_S = 0.25
NO_ROOM_WAIT_S = 30.0

LEAST_HIDDEN = 4
"""A shorter description is hidden in its place only: its letters may be those of any word."""

logger = logging.getLogger(__name__)


class Node:
    """A running node, which must be closed.

    Args:
        config: Its settings.
        segmenter: Segments the lungs.
        journal: Records what happens.

    Raises:
        ConfigError: One of its folders, or its port, cannot be used.
        MissingDependencyError: pynetdicom or highdicom is not installed.
    """

    def __init__(self, config: NodeConfig, segmenter: Segmenter, journal: Journal) -> None:
        pynetdicom(), highdicom()
        if config.output is not None:
            _make_folder(config.output)
        self.config, self.journal, self._segmenter = config, journal, segmenter
        self.store = Store(config)
        self._stop = threading.Event()
        self._has_job, self._has_results = threading.Event(), threading.Event()
        self._sender = Sender(config, self.store, journal)
        self._sending = threading.Thread(target=self._send_on, name="sender", daemon=True)
        self._page: StatusPage | None = None
        try:
            self._intake: Receiver | Poller = (
                Poller(config, self.store, journal, self._complete)
                if config.web
                else Receiver(config, self.store, journal, self._ended)
            )
            if config.status_port is not None:
                self._page = StatusPage(config.status_port, self.store.counts, journal)
        except BaseException:
            self.store.close()
            raise
        self._sending.start()
        if config.web:
            journal.write("asking", title=config.title)
        else:
            journal.write("listening", host=config.host, port=self.port, title=config.title)

    @property
    def port(self) -> int:
        """The port at which it listens; 0 if it queries by DICOMweb."""
        return self._intake.port if isinstance(self._intake, Receiver) else 0

    @property
    def status_port(self) -> int | None:
        """The port of the status page."""
        return self._page.port if self._page else None

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Segment studies as they come, until `until` returns true or the node is closed."""
        while not self._stop.is_set() and not until():
            for job in self.store.collect(self.config.quiet_s):
                self.journal.write("complete", job=job)
            for study in self.store.give_up():
                self.journal.write("failed", job=study, reason="the association broke off, and nobody sent the rest")
            job_now = self.store.next_job()
            if job_now is None:
                _wait(self._has_job)
            else:
                self._segment(job_now)

    def close(self) -> None:
        """Accept nothing more, let the sender end its step, and leave the rest on disk."""
        for event in (self._stop, self._has_job, self._has_results):
            event.set()
        self._intake.stop()
        if self._page:
            self._page.stop()
        self._sending.join()
        self.store.close()

    def _ended(self, studies: list[str]) -> None:
        if self.config.by_association:
            self._complete(studies)

    def _complete(self, studies: list[str]) -> None:
        for study in studies:
            for job in self.store.collect(0.0, study):
                self.journal.write("complete", job=job)
        self._has_job.set()

    def _segment(self, job: str) -> None:
        """Make a job's results; a job that fails does not stop the others. With a full disk it is tried again."""
        try:
            self._make_results(job)
        except Exception as error:  # no study may stop the next ones
            logger.debug("job %s failed", job, exc_info=True)
            reason = _public(one_line(error), self.store.root, job)
            if _is_no_room(error):
                self.journal.write("no-room", job=job, reason=reason)
                self._stop.wait(NO_ROOM_WAIT_S)
                return
            self.store.fail("queue", job, one_line(error))
            self.journal.write("failed", job=job, reason=reason)

    def _make_results(self, job: str) -> None:
        folder = self.store.work_folder(job)
        scan = read_scan(self.store.root / "queue" / job)
        source = read_source(scan)
        result = self._segmenter.segment(scan.volume)
        model = self._segmenter.model
        maker = Maker(model=model.name, sha256=model.sha256)
        # The same study gives the same objects: a result that is sent again after a crash replaces itself.
        objects, told = make_objects(
            self.config.formats, LungResult.of(result), source, maker, DicomOptions(fixed_uids=True)
        )
        for kind, dataset in objects.items():
            write_object(dataset, folder / f"{kind}.dcm")
        self.store.finish(job)
        self._has_results.set()
        findings = [finding.code for finding in (*scan.findings, *result.findings, *told)]
        seconds = round(sum(result.seconds.values()) - result.seconds.get("load", 0.0), 1)
        self.journal.write("segmented", job=job, slices=len(scan.slices), seconds=seconds, findings=findings)

    def _send_on(self) -> None:
        while not self._stop.is_set():
            try:
                self._sender.step()
            except Exception as error:
                logger.debug("sending failed", exc_info=True)
                self.journal.write("not-sent", reason=one_line(error))
            _wait(self._has_results)


def _make_folder(folder: Path) -> None:
    """Make the folder of results now, as a mistyped one is better noticed before the first study."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: the folder for results cannot be made: {error.strerror}.") from error


def _wait(event: threading.Event) -> None:
    """Wait until another thread has something to do, or until it is time to look at the disk again."""
    event.wait(POLL_S)
    event.clear()


def _is_no_room(error: BaseException) -> bool:
    """Whether an error, or its cause, is a full disk."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or bool(
        error.__cause__ and _is_no_room(error.__cause__)
    )


def _public(text: str, root: Path, job: str) -> str:
    """Return an error's text without paths and series descriptions, which people type and which may name a patient."""
    images = root / "queue" / job
    slices, _ = read_headers(sorted(images.glob("*.dcm")))
    for title in sorted({each.title for each in slices} - {""}, key=len, reverse=True):
        text = text.replace(f" ({title})", "")
        if len(title) >= LEAST_HIDDEN:
            text = text.replace(title, "...")
    return text.replace(str(images), "").replace(str(root), "").lstrip("/\\: ")
