"""Keeps the studies of a node on disk: nothing is known only in memory, and each step is one renaming of a folder.

``incoming/STUDY`` collects objects; when complete it becomes ``queue/JOB``; its results, made in ``work/JOB``, become
``outbox/JOB``; sent jobs are recorded in ``done/JOB.json``, failed ones are in ``failed/JOB`` with the reason. A node
that is killed at any moment continues from there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import ConfigError, WriteError
from LungUNetSegLib.files import write_json
from LungUNetSegLib.locking import locked
from LungUNetSegLib.node.config import NodeConfig
from LungUNetSegLib.node.folders import last_change, moment, size_of, unused

STEPS = ("incoming", "queue", "work", "outbox", "done", "failed", "trash")
OPEN = ".open-"
"""Prefix of the markers of associations that have sent to a study and have not ended regularly."""

TAKEN = "taken"
"""Folder of records of the studies that were fetched from a PACS: how many CT images each had."""

REASON = "reason.json"
MOST_DONE = 1000
SPARE_BYTES = 256 << 20
"""Disk space that always stays free."""

STUDY_SHARE = 0.5
"""The share of the node's disk space that one study may use, so that an endless one leaves room for others."""

COUNT_EVERY_S = 10.0
"""A node whose share of the disk is used up looks at most this often whether somebody has made room."""

ABANDONED_S = 86400.0
"""A study whose association broke off has failed when the rest is not sent within this time."""


class FullError(Exception):
    """There is no room for an object now; its sender may try again later."""


class TooLargeError(FullError):
    """A study, or one of its objects, takes more than one may: it will not fit later either."""


class Store:
    """The folder of a node.

    Raises:
        ConfigError: Another node uses the folder, or it cannot be created.
    """

    def __init__(self, config: NodeConfig) -> None:
        self._config, self._lock = config, threading.RLock()
        self.root = config.folder
        try:
            for step in (*STEPS, TAKEN):
                (self.root / step).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{self.root}: the node's folder cannot be made: {error.strerror}.") from error
        self._held = ExitStack()
        if not self._held.enter_context(locked(self.root / ".lock")):
            self._held.close()
            raise ConfigError(f"{self.root}: another node uses this folder; end it, or give another folder.")
        self._live: set[str] = set()
        self._study_bytes: dict[str, int] = {}
        self._bytes = 0
        for left in (each for step in ("work", "trash") for each in (self.root / step).iterdir()):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        for job in self._folders("queue"):
            if (self.root / "outbox" / job.name).exists() or self._record(job.name).exists():
                self._drop(job)  # the node was killed after the results were on disk
        for job in self._folders("outbox"):
            if self._record(job.name).exists():
                self._drop(job)  # the node was killed after the results were sent
        self._count()

    def close(self) -> None:
        """Release the folder for another node."""
        self._held.close()

    def add(self, association: str, study_uid: str, instance_uid: str, content: bytes) -> None:
        """Write an object of a study to disk; when this returns, it is there.

        Raises:
            FullError: Too many studies wait, a limit of disk space is reached, or the disk is nearly full.
            TooLargeError: The study takes more of the disk than one may.
            OSError: The object cannot be written.
        """
        with self._lock:
            study = self.root / "incoming" / name_of(study_uid)
            path = study / f"{name_of(instance_uid)}.dcm"
            self._check_room(study, len(content) - (path.stat().st_size if path.exists() else 0))
            study.mkdir(exist_ok=True)
            marker = study / f"{OPEN}{association}"
            if association not in self._live or not marker.exists():
                marker.touch()
                self._live.add(association)
        draft = self.root / "work" / f"{association}-{path.name}"  # where no study has it after a power cut
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with self._lock:
                before = path.stat().st_size if path.exists() else 0
                draft.replace(path)
                self._bytes += len(content) - before
                self._study_bytes[study.name] += len(content) - before
        finally:
            draft.unlink(missing_ok=True)

    def _check_room(self, study: Path, size: int) -> None:
        if not study.exists():
            waiting = len(self._folders("incoming")) + len(self._folders("queue"))
            if waiting >= self._config.most_studies:
                raise FullError(f"{waiting} studies wait already")
        if self._bytes + size > self._config.most_bytes:
            if time.monotonic() - self._counted_s > COUNT_EVERY_S:
                self._count()
            if self._bytes + size > self._config.most_bytes:
                raise FullError("the node's share of the disk is used up")
        if study.name not in self._study_bytes:  # after a restart, or of a new study
            self._study_bytes[study.name] = size_of(study)
        if self._study_bytes[study.name] + size > self._config.most_bytes * STUDY_SHARE:
            raise TooLargeError("the study takes more of the disk than one study may")
        if shutil.disk_usage(self.root).free < size + SPARE_BYTES:
            raise FullError("the disk is nearly full")

    def _count(self) -> None:
        """Look at the disk for what all studies take: somebody may have removed failed ones."""
        self._bytes = sum(size_of(self.root / step) for step in ("incoming", "queue", "outbox", "failed"))
        self._counted_s = time.monotonic()

    def ended(self, association: str, *, in_order: bool) -> list[str]:
        """Record the end of an association; return the names of the studies that it sent to.

        A study whose association broke off is not complete until another one that sends to it ends regularly.
        """
        with self._lock:
            if not in_order and association not in self._live:
                return []  # it has been recorded
            self._live.discard(association)
            markers = list((self.root / "incoming").glob(f"*/{OPEN}{association}"))
            for marker in markers if in_order else []:
                for other in marker.parent.glob(f"{OPEN}*"):
                    if other.name.removeprefix(OPEN) not in self._live:
                        other.unlink()
                os.utime(marker.parent)
            return [marker.parent.name for marker in markers]

    def collect(self, quiet_s: float, study: str | None = None) -> list[str]:
        """Move complete studies into the queue: nothing came for `quiet_s` seconds, and no association is open."""
        moved = []
        with self._lock:
            for folder in self._folders("incoming"):
                if study not in (None, folder.name):
                    continue
                if time.time() - last_change(folder) < quiet_s or any(folder.glob(f"{OPEN}*")):
                    continue
                if not any(folder.glob("*.dcm")):
                    continue
                job = f"{folder.name}-{time.time_ns() // 1_000_000}"
                folder.rename(self.root / "queue" / job)
                self._study_bytes.pop(folder.name, None)
                moved.append(job)
        return moved

    def give_up(self) -> list[str]:
        """Move studies to "failed" whose associations broke off and whose rest never came; return their names."""
        given_up = []
        with self._lock:
            for folder in self._folders("incoming"):
                keys = {each.name.removeprefix(OPEN) for each in folder.glob(f"{OPEN}*")}
                is_dead = keys and not keys & self._live
                if is_dead and time.time() - last_change(folder) > ABANDONED_S:
                    images = sum(1 for _ in folder.glob("*.dcm"))
                    reason = f"The association broke off after {images} images, and nobody has sent the rest."
                    self._study_bytes.pop(folder.name, None)
                    self.fail("incoming", folder.name, reason)
                    given_up.append(folder.name)
        return given_up

    def holds(self, study_uid: str) -> bool:
        """Whether a complete study is at any step: it waits, is done or has failed."""
        name = name_of(study_uid)
        incoming = self.root / "incoming" / name
        if any(incoming.glob("*.dcm")) and not any(incoming.glob(f"{OPEN}*")):
            return True
        return any(any((self.root / step).glob(f"{name}-*")) for step in ("queue", "outbox", "done", "failed"))

    def taken(self, study_uid: str) -> int | None:
        """Return how many CT images a study had when it was fetched; None if it was not."""
        try:
            return int(json.loads(self._taken(study_uid).read_text(encoding="utf-8"))["images"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_taken(self, study_uid: str, images: int) -> None:
        """Record that a study was fetched."""
        write_json(self._taken(study_uid), {"images": images})

    def forget_taken(self, study_uids: Iterable[str], *, older_than_s: float) -> None:
        """Remove old records of studies that the PACS no longer lists."""
        names = {name_of(each) for each in study_uids}
        for path in (self.root / TAKEN).glob("*.json"):
            if path.stem not in names and time.time() - path.stat().st_mtime > older_than_s:
                path.unlink(missing_ok=True)

    def _taken(self, study_uid: str) -> Path:
        return self.root / TAKEN / f"{name_of(study_uid)}.json"

    def next_job(self) -> str | None:
        """Return the job that has waited longest, or None."""
        jobs = sorted(self._folders("queue"), key=moment)
        return jobs[0].name if jobs else None

    def work_folder(self, job: str) -> Path:
        """Return an empty folder for a job's results."""
        folder = self.root / "work" / job
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def finish(self, job: str) -> None:
        """Move a job's results to the outbox in one step, and remove its images."""
        with self._lock:
            self._bytes += size_of(self.root / "work" / job)
            (self.root / "work" / job).rename(self.root / "outbox" / job)
            self._drop(self.root / "queue" / job)

    def fail(self, step: str, job: str, reason: str) -> None:
        """Move a job with its images to "failed", with the reason; a user may move it back into its step."""
        with self._lock:
            target = unused(self.root / "failed" / job)
            (self.root / step / job).rename(target)
            shutil.rmtree(self.root / "work" / job, ignore_errors=True)
            # A full disk must not end the node; the journal has the reason, too.
            with suppress(WriteError):
                write_json(target / REASON, {"step": step, "reason": reason})

    def outbox(self) -> Iterator[Path]:
        """Yield the folders of results to send, the oldest first."""
        yield from sorted(self._folders("outbox"), key=moment)

    def sent(self, job: str, about: dict[str, Any]) -> None:
        """Record that all results of a job have arrived, and remove them."""
        write_json(self._record(job), about)
        with self._lock:
            self._drop(self.root / "outbox" / job)
        records = sorted((self.root / "done").glob("*.json"), key=lambda each: each.stat().st_mtime)
        for old in records[:-MOST_DONE]:
            old.unlink(missing_ok=True)

    def counts(self) -> dict[str, int]:
        """Return how many studies are at each step, and the bytes of all."""
        steps = {step: sum(1 for _ in (self.root / step).iterdir()) for step in STEPS if step not in ("work", "trash")}
        return steps | {"bytes": self._bytes}

    def _folders(self, step: str) -> list[Path]:
        """Return the studies or jobs of a step by name; a stray file, as file managers make some, is none."""
        with os.scandir(self.root / step) as entries:
            return sorted(Path(each) for each in entries if each.is_dir())

    def _record(self, job: str) -> Path:
        return self.root / "done" / f"{job}.json"

    def _drop(self, folder: Path) -> None:
        """Remove a folder in such a way that an incomplete one is never found in its place."""
        trash = self.root / "trash" / f"{folder.parent.name}-{folder.name}"
        freed = size_of(folder)
        folder.rename(trash)
        self._bytes = max(0, self._bytes - freed)
        shutil.rmtree(trash, ignore_errors=True)


def name_of(uid: str) -> str:
    """Return a name of a folder or file for an identifier, whatever the sender put into it."""
    return hashlib.sha256(uid.encode(errors="replace")).hexdigest()[:32]
